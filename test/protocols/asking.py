"""Ask driver.c all questions at once and judge its answers."""

import json
import subprocess
import sys


def ask_and_judge(folder, driver, cases, known=()):
    """Print what is wrong, then the counts, and exit.

    A case is (name, question, judge): judge(answer) returns None or what is wrong with it; without a question it is
    asked about None.  The names in 'known' must be exactly those of the cases that fail.
    """
    questions = "".join(json.dumps(question) + "\n" for _, question, _ in cases if question)
    output = subprocess.run([driver, folder], input=questions, stdout=subprocess.PIPE, text=True, check=False)
    answers = output.stdout.split("\n")[:-1]
    asked = questions.count("\n")
    problems = []
    if output.returncode or len(answers) != asked:
        problems.append(f"exit status {output.returncode}, {len(answers)} answers to {asked} questions")
    answers = iter(answers + ['{"error": {"message": "no answer", "kind": null}}'] * max(0, asked - len(answers)))
    known = set(known)
    for name, question, judge in cases:
        problem = judge(json.loads(next(answers)) if question else None)
        if problem and name not in known:
            problems.append(f"{name}: {problem}")
        elif name in known and not problem:
            problems.append(f"{name} passes, but is listed as known to fail")
        known.discard(name)
    problems += [f"{name} is listed as known to fail, but there is no such case" for name in known]
    for problem in problems:
        print("not ok:", problem)
    print(f"{len(cases) - len(problems)} passed, {len(problems)} failed")
    sys.exit(bool(problems))
