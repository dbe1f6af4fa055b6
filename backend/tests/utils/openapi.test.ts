import { describe, expect, it } from '@jest/globals';
import Joi from 'joi';
import { endpoint, problemsOf, type EndpointRow, type Input } from '../../src/utils/endpoint.js';
import { openapi, operationIdOf } from '../../src/utils/openapi.js';

const row = (more: Partial<EndpointRow<Input>>) =>
  endpoint({
    method: 'get',
    path: '/api/things/:id',
    access: 'things:read',
    tag: 'Things',
    summary: 'Find a thing',
    input: { params: Joi.object({ id: Joi.number().integer().required() }) },
    output: { 200: Joi.object({ id: Joi.number() }).id('Thing') },
    problems: ['not_found'],
    handler: () => undefined,
    ...more,
  });
const documentOf = (more: Partial<EndpointRow<Input>>): any => openapi([row(more)], { version: '1.2.3' });

describe('the document', () => {
  it('of a scoped row › path parameters, security, scope, answers and Problems', () => {
    const { paths } = documentOf({});
    const operation = paths['/api/things/{id}'].get;
    expect(operation).toMatchObject({
      operationId: 'getThingsById',
      security: [{ bearer: [] }, { apiKey: [] }],
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
    });
    expect(operation.description).toContain('things:read');
    expect(Object.keys(operation.responses)).toEqual([
      '200',
      '400',
      '401',
      '403',
      '404',
      '429',
      '500',
      '503',
    ]);
    expect(operation.responses['200'].content['application/json'].schema).toEqual({
      $ref: '#/components/schemas/Thing',
    });
  });

  it('of a public row that is not counted › neither security nor limits', () => {
    const { paths } = documentOf({ access: 'public', limit: 'none', problems: [] });
    const { security, responses } = paths['/api/things/{id}'].get;
    expect(security).toEqual([]);
    expect(Object.keys(responses)).toEqual(['200', '400', '500', '503']);
    expect(Object.keys(responses['200'].headers)).toEqual(['X-Request-Id']);
  });

  it('of a row with a body and a key › request body, header parameter, replay header', () => {
    const { paths } = documentOf({
      method: 'post',
      path: '/api/things',
      input: {
        headers: Joi.object({ 'idempotency-key': Joi.string().description('Safe to repeat') }),
        body: Joi.object({ name: Joi.string().required().example('x') }),
      },
      output: { 201: Joi.object().id('Thing') },
    });
    const { parameters, requestBody, responses } = paths['/api/things'].post;
    expect(parameters).toEqual([
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description: 'Safe to repeat',
        schema: { type: 'string', minLength: 1 },
      },
    ]);
    expect(requestBody.content['application/json'].schema.required).toEqual(['name']);
    expect(responses['201'].headers).toHaveProperty('Idempotent-Replayed');
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['413', '415']));
  });

  it('of a status that both answers and refuses › both media types', () => {
    const { paths } = documentOf({ output: { 200: Joi.object(), 503: Joi.object() } });
    expect(Object.keys(paths['/api/things/{id}'].get.responses['503'].content)).toEqual([
      'application/json',
      'application/problem+json',
    ]);
  });

  it('regression › of a file › the media type that its row names, or any', () => {
    const { paths } = documentOf({
      output: { 200: Joi.binary().meta({ mediaType: 'text/html' }), 206: Joi.binary() },
    });
    const { responses } = paths['/api/things/{id}'].get;
    expect([responses['200'].content, responses['206'].content]).toEqual([
      { 'text/html': {} },
      { '*/*': {} },
    ]);
  });

  it.each([
    ['get', '/api/phones/:id/qr', 'getPhonesByIdQr'],
    ['post', '/api/auth/api-key', 'postAuthApiKey'],
    ['get', '/health', 'getHealth'],
  ] as const)('%s %s › operation id %s', (method, path, expected) => {
    expect(operationIdOf(row({ method, path }))).toBe(expected);
  });
});

describe('the Problems of a row', () => {
  it('beyond its own › are those of the frame around it, each once', () => {
    expect(problemsOf(row({ problems: ['not_found', 'unauthenticated'] }))).toEqual([
      'forbidden',
      'internal',
      'invalid_request',
      'not_found',
      'too_many_requests',
      'unauthenticated',
      'unavailable',
    ]);
    expect(problemsOf(row({ access: 'public', limit: 'none', problems: [] }))).toEqual([
      'internal',
      'invalid_request',
      'unavailable',
    ]);
  });
});
