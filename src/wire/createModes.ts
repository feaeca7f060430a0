/** How a node is created (ZooKeeper's `CreateMode`): the `flags` of a create request. */

export const CreateMode = {
  PERSISTENT: 0,
  EPHEMERAL: 1,
  PERSISTENT_SEQUENTIAL: 2,
  EPHEMERAL_SEQUENTIAL: 3,
  CONTAINER: 4,
  PERSISTENT_WITH_TTL: 5,
  PERSISTENT_SEQUENTIAL_WITH_TTL: 6,
} as const;

export type CreateMode = (typeof CreateMode)[keyof typeof CreateMode];

const modes: ReadonlyMap<number, CreateMode> = new Map(
  Object.values(CreateMode).map((mode) => [mode, mode]),
);

/** Null for flags that are no mode: a bad argument. */
export function createModeFromFlags(flags: number): CreateMode | null {
  return modes.get(flags) ?? null;
}

/** It goes when its session ends. */
export const isEphemeral = (mode: CreateMode): boolean =>
  mode === CreateMode.EPHEMERAL || mode === CreateMode.EPHEMERAL_SEQUENTIAL;

/** The server adds a number to its name. */
export const isSequential = (mode: CreateMode): boolean =>
  mode === CreateMode.PERSISTENT_SEQUENTIAL ||
  mode === CreateMode.EPHEMERAL_SEQUENTIAL ||
  mode === CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL;

export const isContainer = (mode: CreateMode): boolean => mode === CreateMode.CONTAINER;

export const isTTL = (mode: CreateMode): boolean =>
  mode === CreateMode.PERSISTENT_WITH_TTL || mode === CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL;
