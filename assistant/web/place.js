// Tells the reader who waits which place their question has among those that wait.
// Gradio runs this once with `element`, `props` and `watch`. It knows the place and writes
// it, in English, into the status of this component: our style hides that, and its numbers
// are told in our words. The status is gone as soon as the answer begins, and so is the line.

const block = element.closest("#place");
const line = element.querySelector(".place");

function tell() {
  const status = block.querySelector(".progress-text")?.textContent || "";
  const place = Number(status.match(/queue: (\d+)\//)?.[1]);
  const labels = props.value?.labels;
  let text = "";
  if (place && labels) text = place === 1 ? labels.place_next : labels.place.replace("{place}", place);
  if (line.textContent !== text) line.textContent = text;
}

new MutationObserver(tell).observe(block, { childList: true, characterData: true, subtree: true });
watch("value", tell);
tell();
