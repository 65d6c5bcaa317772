/** The words of what the app has saved in its own database and this laptop takes over, in English. */
export const appOutboxEnglish = {
  'app.title': 'From the app',
  'app.all': 'All that the app has saved is taken over.',
  'app.waiting.one': 'One change is not yet taken over from the app.',
  'app.waiting.other': '{count} changes are not yet taken over from the app.',
  'app.unknown': 'How many changes wait there is not known now.',
  'app.paused': 'Paused since {at}: nothing is taken over. The app works on, and keeps it.',
  'app.away': 'The app’s database has not answered since {at}. It is asked again by itself.',
  'app.busy': 'Another program has held the app’s database since {at}. It is asked again by itself.',
  'app.failing': 'The app’s database has not let itself be read since {at}. Call the data manager.',
  'app.setAside.one':
    'One row of the app is no change as it stands. It waits there to be corrected: call the data manager.',
  'app.setAside.other':
    '{count} rows of the app are no changes as they stand. They wait there to be corrected: call the data manager.',
  'app.row': 'Row {row}: {code}: {message}',
  'app.open': 'Left open in the app since {at}, and so not taken over: {which}.',
  'field.headline.app.one': 'One change is not yet taken over from the app.',
  'field.headline.app.other': '{count} changes are not yet taken over from the app.',
  'field.headline.setAside.one': 'One row of the app waits to be corrected.',
  'field.headline.setAside.other': '{count} rows of the app wait to be corrected.',
  'field.headline.paused': 'Taking over from the app is paused.',
  'field.headline.unread': 'What the app saves cannot be taken over now.',
  'field.app.why': 'See “From the app” below.',
  'field.where.app': '{count} still in the app',
} as const
