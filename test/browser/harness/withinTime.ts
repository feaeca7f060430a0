/** What may never answer, such as a page that is frozen or has crashed, is not waited for without end. */

/** What `asked` answers, or `late` if it has not by then. */
export async function withinTime<Answer>(
  waitMs: number,
  asked: Promise<Answer>,
  late: Answer,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(late), waitMs);
  });
  try {
    return await Promise.race([asked, over]);
  } finally {
    clearTimeout(timer);
  }
}
