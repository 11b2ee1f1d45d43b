// What the tabs of this browser have seen last, in one place for all of them. localStorage is copied from process to
// process, late while the browser is busy; a transaction of a database waits for those of other tabs and reads what they
// wrote.
const NAME = "rollcall";
const STORE = "seen";
let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

// Resolves once what `act` does with the store is there for every tab; rejects where a browser forbids to keep anything.
async function change(act) {
  const database = await open();
  await new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite");
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
    act(transaction.objectStore(STORE));
  });
}

// For each key, `next` gets what was stored last (undefined: nothing) and returns what to store now, undefined to leave it.
export async function renew(keys, next) {
  await change((store) => {
    for (const key of keys) {
      const request = store.get(key);
      request.onsuccess = () => {
        const value = next(key, request.result);
        if (value !== undefined) store.put(value, key);
      };
    }
  });
}

export async function forget(key) {
  await change((store) => store.delete(key));
}
