import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Joi from 'joi';
import { emptyComponents, exported } from '../../src/utils/json-schema.js';

/** Whether the exported schema takes a value; it has to say what joi says. */
const takes = (schema: Joi.Schema, value: unknown): boolean => {
  const components = emptyComponents();
  const json = exported(schema, components);
  const ajv = new Ajv2020({ strict: false });
  return ajv.compile({ ...json, components: { schemas: Object.fromEntries(components) } })(value) as boolean;
};
const joiTakes = (schema: Joi.Schema, value: unknown) =>
  schema.validate(value, { convert: false }).error === undefined;

const item = Joi.object({ id: Joi.number().integer().min(1).required() }).meta({ id: 'Item' });

describe('an exported schema', () => {
  it.each<[string, Joi.Schema, unknown[]]>([
    [
      'null beside an enum',
      Joi.object({ a: Joi.string().valid('x', 'y').allow(null).required() }),
      [{ a: 'x' }, { a: null }, { a: 'z' }, {}],
    ],
    [
      'null or a named shape',
      Joi.object({ a: item.allow(null) }),
      [{ a: null }, { a: { id: 1 } }, { a: { id: 0 } }, { a: 1 }],
    ],
    [
      'a list of a named shape',
      Joi.object({ a: Joi.array().items(item).max(2) }),
      [{ a: [] }, { a: [{ id: 1 }] }, { a: [{}] }, { a: [{ id: 1 }, { id: 1 }, { id: 1 }] }],
    ],
    [
      'or',
      Joi.object({ a: Joi.string(), b: Joi.string() }).or('a', 'b'),
      [{}, { a: 'x' }, { a: 'x', b: 'y' }],
    ],
    [
      'xor',
      Joi.object({ a: Joi.string(), b: Joi.string() }).xor('a', 'b'),
      [{}, { a: 'x' }, { a: 'x', b: 'y' }],
    ],
    [
      'and',
      Joi.object({ a: Joi.string(), b: Joi.string() }).and('a', 'b'),
      [{}, { a: 'x' }, { a: 'x', b: 'y' }],
    ],
    ['a forbidden key', Joi.object({ a: Joi.any().forbidden(), b: Joi.number() }), [{}, { a: 1 }, { b: 1 }]],
    [
      'alternatives that may be null',
      Joi.object({ a: Joi.alternatives(item, Joi.number()).allow(null) }),
      [{ a: null }, { a: 1 }, { a: { id: 1 } }, { a: 'x' }, { a: {} }],
    ],
    ['unknown keys', Joi.object({ a: Joi.number() }).unknown(), [{ b: 1 }, { a: 'x' }]],
    ['no unknown keys', Joi.object({ a: Joi.number() }), [{ b: 1 }, { a: 1 }]],
    ['empty text', Joi.object({ a: Joi.string(), b: Joi.string().allow('') }), [{ a: '' }, { b: '' }]],
  ])('%s › any value › is taken exactly when joi takes it', (_name, schema, values) => {
    expect(values.map((value) => [value, takes(schema, value)])).toEqual(
      values.map((value) => [value, joiTakes(schema, value)]),
    );
  });

  it('a named shape › wherever it stands › is a reference, kept once', () => {
    const components = emptyComponents();
    const json = exported(
      Joi.object({ one: item.required(), many: Joi.array().items(item), none: item.allow(null) }),
      components,
    );
    const ref = { $ref: '#/components/schemas/Item' };
    expect(json['properties']).toEqual({
      one: ref,
      many: { type: 'array', items: ref },
      none: { anyOf: [ref, { type: 'null' }] },
    });
    expect([...components.keys()]).toEqual(['Item']);
  });

  it('a shape named by joi’s own id › is a reference as well', () => {
    const components = emptyComponents();
    const named = Joi.object({ a: Joi.number() }).id('Named');
    expect(exported(Joi.object({ it: named }), components)['properties']).toEqual({
      it: { $ref: '#/components/schemas/Named' },
    });
    expect(exported(named, components)).toEqual({ $ref: '#/components/schemas/Named' });
  });

  it('two shapes with one name › refused', () => {
    const other = Joi.object({ id: Joi.string() }).meta({ id: 'Item' });
    expect(() => exported(Joi.object({ a: item, b: other }), emptyComponents())).toThrow('Item');
  });

  it('a dependency that is not written yet › refused, not dropped', () => {
    expect(() =>
      exported(Joi.object({ a: Joi.any(), b: Joi.any() }).nand('a', 'b'), emptyComponents()),
    ).toThrow('nand');
  });

  it('examples and descriptions › are kept', () => {
    const json = exported(
      Joi.object({ a: Joi.number().example(7).description('A number') }),
      emptyComponents(),
    );
    expect(json['properties']).toEqual({ a: { type: 'number', examples: [7], description: 'A number' } });
  });
});
