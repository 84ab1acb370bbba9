// Thumbnails: asked for when they are about to be seen, kept while there is room.

/** 192 × 192 × 4 bytes each: some 60 MB. */
const KEPT = 400;
/** Browsers keep six connections: one listens, one is left for the face looked at. */
const AT_ONCE = 4;

const pictures = new Map<number, ImageBitmap>();
const asked = new Map<number, AbortController>();
const missing = new Set<number>();
let wanted: number[] = [];

/** Called when a picture has come. */
let arrived: () => void = () => {};

export function onThumbnail(hear: () => void): void {
  arrived = hear;
}

/** The picture of a face, if it is here. */
export function thumbnail(id: number): ImageBitmap | undefined {
  const picture = pictures.get(id);
  if (picture) {
    // the newest used is thrown away last
    pictures.delete(id);
    pictures.set(id, picture);
  }
  return picture;
}

/** Whether there is no picture to wait for. */
export const isMissing = (id: number): boolean => missing.has(id);

/** What is seen or about to be, the most urgent first. What was asked for and is not wanted any more is let go. */
export function want(ids: number[]): void {
  const still = new Set(ids);
  for (const [id, request] of asked) {
    if (!still.has(id)) {
      request.abort();
      asked.delete(id);
    }
  }
  wanted = ids.filter((id) => !pictures.has(id) && !asked.has(id) && !missing.has(id));
  askMore();
}

/** Forgets pictures that may have changed. */
export function forgetThumbnails(): void {
  for (const picture of pictures.values()) picture.close();
  pictures.clear();
  missing.clear();
}

export const keptThumbnails = (): number => pictures.size;

function askMore(): void {
  while (asked.size < AT_ONCE) {
    const id = wanted.shift();
    if (id === undefined) return;
    const request = new AbortController();
    asked.set(id, request);
    fetchPicture(id, request.signal)
      .then((picture) => keep(id, picture))
      .catch((error: unknown) => {
        if (!(error instanceof DOMException && error.name === "AbortError")) missing.add(id);
      })
      .finally(() => {
        if (asked.get(id) === request) asked.delete(id);
        askMore();
        arrived();
      });
  }
}

async function fetchPicture(id: number, signal: AbortSignal): Promise<ImageBitmap> {
  const answer = await fetch(`/api/faces/${id}/thumbnail`, { signal });
  if (!answer.ok) throw new Error(`no picture of face ${id}`);
  return createImageBitmap(await answer.blob());
}

function keep(id: number, picture: ImageBitmap): void {
  pictures.set(id, picture);
  for (const [oldest, other] of pictures) {
    if (pictures.size <= KEPT) break;
    pictures.delete(oldest);
    other.close();
  }
}
