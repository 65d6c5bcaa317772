/** A form of a visit is filled in once, and comes after the visit itself. */
const ofVisit = {
  naturalKey: ['subject_identifier', 'visit_code'],
  dependsOn: { subject_visit: 'bhp_subject.subjectvisit' },
}

/** A study of two sites, whose requisitions travel readably: identifier, panel, tubes; never initials, birth date or gender. */
export const studySettings = {
  name: 'Demonstration study',
  sites: [
    { id: 'mochudi', name: 'Mochudi' },
    { id: 'molepolole', name: 'Molepolole' },
  ],
  models: {
    'bhp_subject.subjectvisit': {
      ...{ label: 'Visit', naturalKey: ['subject_identifier', 'visit_code'] },
      hidden: ['initials', 'dob', 'gender'],
    },
    'bhp_subject.vitals': { label: 'Vital signs', ...ofVisit },
    'bhp_subject.adherence': { label: 'Adherence', ...ofVisit },
    'bhp_lab.subjectrequisition': {
      ...{ label: 'Requisition', naturalKey: ['requisition_identifier'], dependsOn: ofVisit.dependsOn },
      hidden: ['initials', 'gender'],
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
  reasons: [
    { code: 'leftBehind', words: 'left behind', closes: false },
    { code: 'otherDriver', words: 'given to another driver', closes: true },
    { code: 'spoiled', words: 'spoiled waiting', closes: true },
    { code: 'leaked', words: 'leaked', closes: true },
    { code: 'unreadable', words: 'label unreadable', closes: true },
    { code: 'other', words: 'other', closes: false },
  ],
  temperature: { lowest: 2, highest: 8 },
  people: [
    { id: 'thabo', name: 'Thabo', role: 'driver' },
    { id: 'neo', name: 'Neo', role: 'assistant' },
    { id: 'lesedi', name: 'Lesedi', role: 'assistant' },
    { id: 'kagiso', name: 'Kagiso', role: 'assistant' },
  ],
  limits: {
    batchChanges: 500,
    batchBytes: 1_048_576,
    sealAfterSeconds: 300,
    retentionHours: 336,
    producerBytes: 107_374_182_400,
  },
}
