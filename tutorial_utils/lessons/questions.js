(() => {
  "use strict";
  // Each cell brings this script, and the first that runs makes all questions on the page answer.
  for (const root of document.querySelectorAll(".lesson-questions:not([data-ready])")) {
    root.dataset.ready = "yes";
    // JupyterLab takes arrow keys and letters for its own, wherever they come from; the browser's meaning stays.
    root.addEventListener("keydown", event => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    });
    const questions = [...root.querySelectorAll(".question")];
    const first = new Map(); // what each question got at the first try: right or not, and how sure

    const say = (place, text, right) => {
      place.textContent = text;
      if (right === undefined) delete place.dataset.right;
      else place.dataset.right = right ? "yes" : "no";
    };
    const count = () => {
      if (questions.length < 2) return;
      const tries = [...first.values()];
      const certain = tries.filter(each => each.sure === "certain");
      const right = some => some.filter(each => each.right).length;
      let text = `${tries.length} of ${questions.length} answered, ${right(tries)} right at the first try.`;
      if (tries.length === questions.length && certain.length)
        text += ` You were certain of ${certain.length}, and right about ${right(certain)} of these.`;
      root.querySelector(".tally").textContent = text;
    };

    // Groups of three digits may be parted, as in 7,850, where the key is so large; else a comma is a decimal one.
    const readNumber = (typed, key) => {
      const text = typed.replace(/[\s%]/g, "").replace("−", "-");
      const large = Number.isInteger(Number(key)) && Math.abs(key) >= 1000;
      if (large && /^[-+]?\d{1,3}([,.'’])\d{3}(\1\d{3})*$/.test(text)) return Number(text.replace(/[,.'’]/g, ""));
      return Number(text.replace(",", "."));
    };

    for (const question of questions) {
      const { kind, key, tolerance } = question.dataset;
      const button = question.querySelector("button");
      const said = question.querySelector(".said");
      const details = question.querySelector("details");
      const field = question.querySelector("input[type=text]");
      button.hidden = false;
      details.hidden = true;

      const check = () => {
        const chosen = question.querySelector(":scope > label input:checked");
        const sure = question.querySelector(".sure input:checked");
        const number = field && readNumber(field.value, key);
        if (field ? !field.value.trim() || Number.isNaN(number) : !chosen)
          return say(said, field ? "Write a number first." : "Choose an answer first.");
        if (question.querySelector(".sure") && !sure) return say(said, "Say how sure you are, too.");
        const right = field ? Math.abs(number - key) <= Number(tolerance) * (1 + 1e-9) : chosen.value === key;
        if (!first.has(question)) {
          first.set(question, { right, sure: sure?.value });
          const detail = { asked: question.dataset.asked, perCent: Number(sure?.dataset.perCent), right };
          // The book keeps score of these, see score.js there. Elsewhere nobody listens.
          if (sure) question.dispatchEvent(new CustomEvent("lesson-answer", { bubbles: true, detail }));
        }
        details.hidden = false;
        if (kind === "predict") {
          say(said, right ? "As you predicted." : "Something else came out.", right);
          for (const input of question.querySelectorAll("input")) input.disabled = true;
          details.open = true;
          details.querySelector("summary").focus();
          button.hidden = true;
        } else {
          const reason = right || field ? "" : chosen.closest("label").nextElementSibling.textContent;
          say(said, right ? "Right." : `Not yet. ${reason}`.trim(), right);
          details.open = right;
        }
        count();
      };
      button.addEventListener("click", check);
      field?.addEventListener("keydown", event => {
        if (event.key === "Enter") check();
      });
    }
  }
})();
