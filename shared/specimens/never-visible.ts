const neverVisible = /initial|birth|dob|gender|sex|first_?name|last_?name|surname|omang|identity/i

/** Whether an app's field may be read on the way; never what names a person, whatever a mapping asks for (invariant 6). */
export function mayBeVisible(field: string): boolean {
  return !neverVisible.test(field)
}
