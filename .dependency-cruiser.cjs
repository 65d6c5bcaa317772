const apps = 'daemon|relay|server'
const canary = '^(\\.ci/canary/)?'

/** The rule of imports (ARCHITECTURE.md): daemon | relay | server -> shared, never sideways, never back. */
module.exports = {
  forbidden: [
    {
      name: 'shared-imports-nothing-of-ours',
      severity: 'error',
      from: { path: `${canary}shared/` },
      to: { path: `^(${apps}|study|commands|demo|bench|test|waybill\\.ts)` },
    },
    {
      name: 'never-sideways',
      severity: 'error',
      from: { path: `^(${apps})/` },
      to: { path: `^(${apps}|commands|demo|bench|test)/`, pathNot: '^$1/' },
    },
    {
      name: 'only-the-server-issues',
      severity: 'error',
      from: { path: '^(daemon|relay)/' },
      to: { path: '^study/' },
    },
    {
      name: 'study-on-shared-alone',
      severity: 'error',
      from: { path: '^study/' },
      to: { path: `^(${apps}|commands|demo|bench|test)/` },
    },
    {
      name: 'routes-are-thin',
      comment: 'schema in, schema out: no database, no drizzle',
      severity: 'error',
      from: { path: `^(${apps})/routes/` },
      to: { path: `drizzle-orm|better-sqlite3|^(${apps})/(schema|[a-z]+-tables|open-store|app|main)\\.ts$` },
    },
    {
      name: 'verbs-know-no-door',
      comment: 'main -> app -> routes -> verbs -> schema',
      severity: 'error',
      from: { path: `^(${apps})/[^/]+\\.ts$`, pathNot: `^(${apps})/(app|main)\\.ts$` },
      to: { path: `^(${apps})/(routes/|app\\.ts$|main\\.ts$)` },
    },
    {
      name: 'schema-is-last',
      severity: 'error',
      from: { path: `^(${apps})/(schema|[a-z]+-tables)\\.ts$` },
      to: { path: `^(${apps}|shared|study)/` },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'nothing-missing', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'programs-know-no-test',
      severity: 'error',
      from: { path: '^(waybill\\.ts|commands|daemon|relay|server|shared|study|demo)' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Page scripts run in the browser: they import what their door serves.
    exclude: { path: '^node_modules/(?!drizzle-orm|better-sqlite3)|/web/.*\\.js$' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
}
