// The log's filter asks at once when a choice is made; typing asks on Enter, as without scripts.
const form = document.getElementById("filter");
form.addEventListener("change", (event) => {
  if (event.target.matches("select, [type=checkbox]")) form.requestSubmit();
});
