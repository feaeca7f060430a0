/** Members of an ensemble in three groups, as lines of its member list. */

const GROUPS_COUNT = 3;

export function groupLines(members: readonly number[]): readonly string[] {
  const groupSize = Math.ceil(members.length / GROUPS_COUNT);
  const lines: string[] = [];
  for (let first = 0; first < members.length; first += groupSize) {
    const group = members.slice(first, first + groupSize);
    lines.push(`group.${lines.length + 1}=${group.join(':')}`);
  }
  return lines;
}
