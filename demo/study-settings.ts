/** A study of two sites, whose requisitions travel readably: identifier, panel, tubes; never initials, birth date or gender. */
export const studySettings = {
  name: 'Demonstration study',
  sites: [
    { id: 'mochudi', name: 'Mochudi' },
    { id: 'molepolole', name: 'Molepolole' },
  ],
  models: {
    'bhp_lab.subjectrequisition': {
      requisition: {
        identifier: 'requisition_identifier',
        subject: 'subject_identifier',
        panel: 'panel_name',
        specimenType: 'specimen_type',
        tubes: 'item_count',
        isDrawn: 'is_drawn',
        reasonNotDrawn: 'reason_not_drawn',
        drawnAt: 'drawn_datetime',
        stabilityMinutes: 240,
      },
    },
  },
  reasons: ['left behind', 'given to another driver', 'spoiled waiting', 'leaked', 'label unreadable'],
  people: [{ id: 'thabo', name: 'Thabo', role: 'driver' }],
  limits: {
    batchChanges: 500,
    batchBytes: 1_048_576,
    sealAfterSeconds: 300,
    retentionHours: 336,
    producerBytes: 107_374_182_400,
  },
}
