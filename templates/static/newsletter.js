// Copies the mail of newsletter.html, formatted or as plain text.
const mail = document.getElementById("mail"), plain = document.getElementById("plain");
const copied = document.getElementById("copied");

// Selects and copies an element, as a person would: this keeps the formatting in every browser.
function copy(element) {
  const selection = getSelection();
  selection.selectAllChildren(element);
  const done = document.execCommand("copy");
  selection.removeAllRanges();
  copied.textContent = done ? copied.dataset.text : "";
}

document.getElementById("copies").hidden = false;
document.getElementById("copy").addEventListener("click", () => copy(mail));
document.getElementById("copy-plain").addEventListener("click", () => copy(plain));
