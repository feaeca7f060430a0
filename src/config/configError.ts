/** What is wrong with a configuration, told so that a person can put it right: where, what, and what would do. */

/** Thrown for a configuration that cannot be used (ZooKeeper's `ConfigException`). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** 1-based line of the text that was parsed; null where the fault is a missing line or lies between lines. */
  readonly line: number | null;

  constructor(line: number | null, message: string) {
    super(line === null ? message : `line ${line}: ${message}`);
    this.line = line;
  }
}

/** The configuration is sound, but this server is none of its members: ZooKeeper ends with another exit code then. */
export class NotAMemberError extends ConfigError {}

/** A line that was read but does not do what its writer may have hoped for. */
export interface ConfigWarning {
  readonly line: number | null;
  readonly key: string;
  readonly message: string;
}
