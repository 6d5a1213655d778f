/* A conformance statement of a standard. */

/** Its id, its content in our words, and why it does not apply to this client, if so. */
export type Rule = readonly [id: string, text: string, notApplicable?: string];
