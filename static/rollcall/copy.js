// [data-copy=id] puts the text of that element on the clipboard, where the browser lets a page do so.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  const words = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    document.getElementById("say").textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 2000);
  });
}
