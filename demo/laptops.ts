/** The demonstration's field laptops and how much waits on each. */
export const laptops = [
  { name: 'lap-01', site: 'mochudi', changes: 3_500 },
  { name: 'lap-02', site: 'mochudi', changes: 1_200 },
  { name: 'lap-03', site: 'molepolole', changes: 40 },
] as const
