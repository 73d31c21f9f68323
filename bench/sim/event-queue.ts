/** Events in the order of their times; of equal ones in any. A binary heap. */
export class EventQueue<E> {
  readonly #heap: { at: number; event: E }[] = [];

  add(at: number, event: E): void {
    const heap = this.#heap;
    const entry = { at, event };
    let place = heap.length;
    heap.push(entry);
    for (let parent = (place - 1) >> 1; place > 0 && heap[parent]!.at > at; parent = (place - 1) >> 1) {
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = entry;
  }

  take(): { readonly at: number; readonly event: E } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let place = 0;
    for (let child = 1; child < heap.length; child = 2 * place + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}
