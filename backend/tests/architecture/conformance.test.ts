import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import Joi from 'joi';
import { createApp } from '../../src/app.js';
import { endpoint, type Endpoint, type EndpointRow, type Input } from '../../src/utils/endpoint.js';
import { Problem } from '../../src/utils/problem.js';
import { conforming, faultOf } from '../support/conformance.js';
import { ANN, ask, GENEROUS, listening } from '../support/frame.js';
import EndpointCoverage, { isWhole, leaksIn, readNotes } from '../support/coverage-reporter.mjs';

const thing = Joi.object({
  id: Joi.number().integer().required(),
  name: Joi.string().valid('a', 'b').allow(null).required(),
}).id('Thing');

const row = (more: Partial<EndpointRow<Input>>): Endpoint =>
  endpoint({
    method: 'get',
    path: '/api/things',
    access: 'public',
    tag: 'T',
    summary: 'S',
    input: {},
    output: { 200: thing, 204: null },
    problems: ['not_found'],
    handler: () => undefined,
    ...more,
  });

const app = (endpoints: Endpoint[]): RequestListener =>
  createApp({
    endpoints,
    identify: async () => ANN,
    logger: { info: () => undefined, error: () => undefined },
    config: {
      version: '0',
      corsOrigins: [],
      trustProxy: 'loopback',
      jsonLimit: 1000,
      serverUrl: '',
      rateLimits: GENEROUS,
    },
  });

describe('an answer held against its row', () => {
  let stop = async (): Promise<void> => undefined;
  let notes: string[] = [];
  afterEach(async () => {
    notes = [];
    await stop();
  });

  const answering = async (handler: EndpointRow<Input>['handler'], path = '/api/things') => {
    const rows = [row({ handler })];
    const server = await listening(
      conforming(app(rows), rows, (word, text) => notes.push(`${word} ${text}`)),
    );
    stop = server.stop;
    return ask(`${server.url}${path}`);
  };

  it.each<[string, EndpointRow<Input>['handler'], number]>([
    ['the shape', (_req, res) => void res.json({ id: 1, name: null }), 200],
    ['nothing, as listed', (_req, res) => void res.status(204).end(), 204],
    ['a listed Problem', () => Promise.reject(new Problem('not_found')), 404],
    ['a Problem of the frame', () => Promise.reject(new Problem('unavailable')), 503],
    [
      'written in pieces',
      (_req, res) => void (res.type('json'), res.write('{"id":1,'), res.end('"name":"a"}')),
      200,
    ],
  ])('%s › passes unchanged', async (_name, handler, status) => {
    const answer = await answering(handler);
    expect([answer.status, answer.body?.nonconforming]).toEqual([status, undefined]);
    if (status === 200) expect(answer.body).toMatchObject({ id: 1 });
    expect(notes).toEqual(
      status < 300 ? ['row GET /api/things', 'done GET /api/things'] : ['row GET /api/things'],
    );
  });

  it.each<[string, EndpointRow<Input>['handler'], RegExp]>([
    ['a field of the wrong type', (_req, res) => void res.json({ id: '1', name: 'a' }), /id.*number/],
    ['a value not listed', (_req, res) => void res.json({ id: 1, name: 'c' }), /name/],
    ['a field too few', (_req, res) => void res.json({ id: 1 }), /name.*required/],
    [
      'a field too many',
      (_req, res) => void res.json({ id: 1, name: 'a', passwordHash: 'x' }),
      /passwordHash/,
    ],
    [
      'a status not listed',
      (_req, res) => void res.status(201).json({ id: 1, name: 'a' }),
      /no output for 201/,
    ],
    ['no JSON', (_req, res) => void res.type('text').send('hello'), /text\/plain/],
    ['no body', (_req, res) => void res.status(200).end(), /application\/json/],
    ['a Problem not listed', () => Promise.reject(new Problem('phone_exists')), /phone_exists/],
    [
      'an error of its own making',
      (_req, res) => void res.status(404).json({ error: 'nope' }),
      /no output for 404/,
    ],
  ])('%s › is replaced by 599 that says why', async (_name, handler, why) => {
    const { status, body } = await answering(handler);
    expect(status).toBe(599);
    expect(body.nonconforming).toMatch(why);
    expect(notes).toEqual(['row GET /api/things', `fault ${body.nonconforming}`]);
  });

  it('a path of no row › may say so, and nothing else', async () => {
    expect((await answering(() => undefined, '/api/none')).status).toBe(404);
    await stop();
    const rogue = express().get('/x', (_req, res) => void res.json({}));
    const server = await listening(conforming(rogue, [], () => undefined));
    stop = server.stop;
    expect((await ask(`${server.url}/x`)).status).toBe(599);
  });

  it('regression › a file of another type than its row names › is a fault; one of any type is none', () => {
    const page = row({ output: { 200: Joi.binary().meta({ mediaType: 'text/html' }), 206: Joi.binary() } });
    const given = (type: string, status = 200) => faultOf(page, { status, type, text: '<p>' });
    expect(given('text/html; charset=utf-8')).toBeNull();
    expect(given('application/octet-stream')).toBe('it is application/octet-stream, not text/html');
    expect(given('')).toBe('it is without a type, not text/html');
    expect(given('image/png', 206)).toBeNull();
  });

  it('a Problem whose title, type or status is not the catalogue’s › is a fault', () => {
    const good = {
      type: '/api-docs/problems#not_found',
      title: 'There is no such thing',
      status: 404,
      code: 'not_found',
      detail: 'd',
      requestId: 'r',
    };
    const given = (change: object, status = 404) =>
      faultOf(row({}), {
        status,
        type: 'application/problem+json',
        text: JSON.stringify({ ...good, ...change }),
      });
    expect(given({})).toBeNull();
    for (const change of [
      { title: 'x' },
      { type: 'about:blank' },
      { status: 400 },
      { code: 'nope' },
      { stack: 'x' },
      { requestId: undefined },
    ]) {
      expect([change, given(change)]).toEqual([change, expect.any(String)]);
    }
    expect(given({}, 400)).toEqual(expect.any(String));
  });
});

describe('the reporter of untested endpoints', () => {
  const saved = process.env['API_CALLS_DIR'];
  let folders: string[] = [];
  const whole = { testPathPatterns: { patterns: [] }, rootDir: '' };
  const backend = new Set([{ config: { displayName: { name: 'backend' } } }]);

  afterEach(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    folders = [];
    if (saved === undefined) delete process.env['API_CALLS_DIR'];
    else process.env['API_CALLS_DIR'] = saved;
  });

  const makeFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
    folders.push(folder);
    return folder;
  };

  /** A run in which the document publishes `GET /api/things/:id` and processes have noted these lines. */
  const run = (notes: string, config: object = {}) => {
    const rootDir = makeFolder();
    mkdirSync(join(rootDir, 'docs'));
    writeFileSync(
      join(rootDir, 'docs/openapi.json'),
      JSON.stringify({ paths: { '/api/things/{id}': { get: {} } } }),
    );
    const reporter = new EndpointCoverage({ ...whole, ...config, rootDir });
    writeFileSync(join(process.env['API_CALLS_DIR']!, '1.calls'), notes);
    const results = { numFailedTests: 0, success: true, wasInterrupted: false };
    const said: string[] = [];
    reporter.onRunComplete(backend, results, (line: string) => said.push(line));
    return { results, said: said.join('\n'), error: reporter.getLastError() };
  };
  it('every row answered › is content', () => {
    const { results, error } = run(
      'row POST /inbound/:placement\ndone POST /inbound/:placement\ndone GET /api/things/:id\n',
    );
    expect([results, error]).toEqual([
      { numFailedTests: 0, success: true, wasInterrupted: false },
      undefined,
    ]);
  });

  it('a row that exists but never answered › fails the run, by name', () => {
    const { results, error, said } = run('row POST /inbound/:placement\ndone GET /api/things/:id\n');
    expect([results.numFailedTests, results.success, error]).toEqual([1, false, expect.any(Error)]);
    expect(said).toContain('POST /inbound/:placement');
    expect(run('').said).toContain('GET /api/things/:id');
  });

  it('a run of some tests only › asks for no row, but for no fault either', () => {
    expect(run('', { testPathPatterns: { patterns: ['x'] } }).error).toBeUndefined();
    expect(run('fault GET /x answered 200\n', { testPathPatterns: { patterns: ['x'] } }).said).toContain(
      'GET /x answered 200',
    );
  });

  it.each([
    [{}, true],
    [{ testNamePattern: 'x' }, false],
    [{ onlyChanged: true }, false],
    [{ shard: { shardIndex: 1 } }, false],
  ])('%j › is a whole run: %s', (config, expected) => {
    expect(isWhole({ ...whole, ...config }, backend, {})).toBe(expected);
    expect(
      isWhole({ ...whole, ...config }, new Set([{ config: { displayName: { name: 'sandbox' } } }]), {}),
    ).toBe(false);
  });

  it('notes of several processes › are read together', () => {
    const folder = makeFolder();
    writeFileSync(join(folder, '1.calls'), 'row GET /a\ndone GET /a\n');
    writeFileSync(join(folder, '2.calls'), 'row GET /a\nrow GET /b\n');
    const { row: rows, done } = readNotes(folder);
    expect([[...rows], [...done]]).toEqual([['GET /a', 'GET /b'], ['GET /a']]);
  });

  it('a secret of the run in a log › is found, and not told', () => {
    const folder = makeFolder();
    writeFileSync(join(folder, '1.secrets'), 'ev_one_secret\nAnother-Secret-1\n');
    writeFileSync(join(folder, '2.log'), '{"message":"request"}\n{"detail":"it was Another-Secret-1."}\n');
    const leaks = leaksIn(folder);
    expect(leaks).toEqual([expect.stringContaining('it was [secret].')]);
    expect(leaks.join()).not.toContain('Another-Secret-1');
    writeFileSync(join(folder, '2.log'), '{"message":"request"}\n');
    expect(leaksIn(folder)).toEqual([]);
  });
});
