// @ts-check
/** A sound of its own for every answer, made here: no file, no network. */

/** [hertz, milliseconds] one after the other; 0 hertz is a rest. */
/** @type {Record<string, { wave: OscillatorType, notes: [number, number][] }>} */
const sounds = {
  good: { wave: 'sine', notes: [[1319, 110]] },
  counted: {
    wave: 'sine',
    notes: [
      [1047, 60],
      [0, 30],
      [1319, 90],
    ],
  },
  again: {
    wave: 'triangle',
    notes: [
      [988, 70],
      [0, 40],
      [988, 70],
    ],
  },
  ask: {
    wave: 'triangle',
    notes: [
      [784, 110],
      [0, 50],
      [784, 110],
    ],
  },
  undone: {
    wave: 'triangle',
    notes: [
      [784, 80],
      [523, 120],
    ],
  },
  missing: {
    wave: 'triangle',
    notes: [
      [659, 110],
      [523, 110],
      [392, 160],
    ],
  },
  look: {
    wave: 'square',
    notes: [
      [392, 140],
      [0, 60],
      [392, 140],
    ],
  },
  changed: {
    wave: 'square',
    notes: [
      [330, 120],
      [0, 40],
      [440, 120],
      [0, 40],
      [330, 120],
    ],
  },
  notDrawn: {
    wave: 'square',
    notes: [[262, 420]],
  },
  elsewhere: {
    wave: 'square',
    notes: [
      [523, 120],
      [0, 40],
      [330, 200],
    ],
  },
  bad: {
    wave: 'sawtooth',
    notes: [
      [196, 160],
      [0, 60],
      [196, 160],
      [0, 60],
      [196, 260],
    ],
  },
}
const loudness = 0.25

/** @type {AudioContext | undefined} */
let context

/** Browsers let a page sound only after a key or a click: called at the first one, so that the first scan is heard. */
export function wakeSounds() {
  context ??= new AudioContext()
  if (context.state === 'suspended') void context.resume()
}

/** @param {string} name one of the sounds */
export function play(name) {
  const sound = sounds[name]
  if (!context || !sound || isMuted()) return
  let at = context.currentTime
  for (const [hertz, ms] of sound.notes) {
    if (hertz > 0) tone(context, sound.wave, hertz, at, ms / 1000)
    at += ms / 1000
  }
}

/** Whether the person wants to hear nothing; kept when the page is opened again. */
export function isMuted() {
  return localStorage.getItem('muted') === 'yes'
}

/** Mutes, or sounds again. */
export function turnSound() {
  localStorage.setItem('muted', isMuted() ? 'no' : 'yes')
}

/**
 * Its ends are faded, else they click.
 * @param {AudioContext} audio
 * @param {OscillatorType} wave
 * @param {number} hertz
 * @param {number} at
 * @param {number} seconds
 */
function tone(audio, wave, hertz, at, seconds) {
  const [oscillator, gain] = [audio.createOscillator(), audio.createGain()]
  oscillator.type = wave
  oscillator.frequency.value = hertz
  gain.gain.setValueAtTime(0, at)
  gain.gain.linearRampToValueAtTime(loudness, at + 0.008)
  gain.gain.setValueAtTime(loudness, at + seconds - 0.015)
  gain.gain.linearRampToValueAtTime(0, at + seconds)
  oscillator.connect(gain).connect(audio.destination)
  oscillator.start(at)
  oscillator.stop(at + seconds)
}
