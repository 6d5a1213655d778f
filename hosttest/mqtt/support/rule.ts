/* A conformance statement of a standard. */

/** Its id, what it says in our words, and why it does not bind this client, where it does not. */
export type Rule = readonly [id: string, text: string, notApplicable?: string];
