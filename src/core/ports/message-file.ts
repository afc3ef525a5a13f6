/** A file that was attached to a message of a conversation. */
export interface MessageFile {
  readonly mimeType: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  /** Decodes it. */
  readonly read: () => Uint8Array;
}
