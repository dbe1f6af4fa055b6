/* global __dirname */
/**
 * The arrows of docs/architecture.md, as rules: doors in → controllers → services → models | clients → config | utils.
 * A rule names what a folder may *not* reach; everything else is allowed.
 */
const src = (names) => `^backend/src/(${names})`;

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'leaves-know-nothing-of-ours',
      severity: 'error',
      from: { path: src('utils/|config/') },
      to: { path: src('(?!utils/|config/)') },
    },
    {
      name: 'utils-know-no-config',
      severity: 'error',
      from: { path: src('utils/') },
      to: { path: src('config/') },
    },
    {
      name: 'doors-out-know-only-leaves',
      severity: 'error',
      from: { path: src('models/|clients/') },
      to: { path: src('(?!models/|clients/|config/|utils/)') },
    },
    {
      name: 'models-and-clients-apart',
      severity: 'error',
      from: { path: src('models/') },
      to: { path: src('clients/') },
    },
    {
      name: 'services-know-no-door-in',
      severity: 'error',
      from: { path: src('services/') },
      to: {
        path: src('(controllers/|routes/|middleware/|workers/|app|socket|compose|server|worker|migrate)'),
      },
    },
    {
      name: 'services-know-no-express-sql-axios',
      severity: 'error',
      from: { path: src('services/') },
      to: { path: 'node_modules/(express|pg|axios|ioredis|socket\\.io)/' },
    },
    {
      name: 'only-clients-use-axios',
      severity: 'error',
      from: { path: src('(?!clients/)') },
      to: { path: 'node_modules/axios/' },
    },
    {
      name: 'controllers-know-only-services',
      severity: 'error',
      from: { path: src('controllers/') },
      to: { path: src('(models/|clients/|config/|workers/|compose)') },
    },
    {
      name: 'workers-are-loops',
      severity: 'error',
      from: { path: src('workers/') },
      to: { path: src('(controllers/|routes/|middleware/|models/|app|socket|compose)') },
    },
    {
      name: 'only-entries-compose',
      severity: 'error',
      from: { path: '^backend/src/', pathNot: '^backend/src/(server|worker|migrate|openapi)\\.ts$' },
      to: { path: '^backend/src/compose' },
    },
    {
      name: 'the-gateway-knows-no-sandbox',
      severity: 'error',
      from: { path: '^(backend|sandbox)/src/' },
      to: { path: '^dev/' },
    },
    {
      name: 'the-gateway-and-the-sandbox-apart',
      severity: 'error',
      from: { path: '^backend/src/' },
      to: { path: '^sandbox/' },
    },
    {
      name: 'the-sandbox-apart',
      severity: 'error',
      from: { path: '^sandbox/src/' },
      to: { path: '^backend/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    // Absolute: from a relative name its `extends` would be looked for in the wrong folder.
    tsConfig: { fileName: `${__dirname}/backend/tsconfig.json` },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      conditionNames: ['import', 'node'],
      exportsFields: ['exports'],
    },
  },
};
