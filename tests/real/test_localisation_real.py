"""QVHighlights: the authors' sample submission has every number that their evaluator printed."""

import json

import pytest

from avtool.benchmarks.localisation.moments import score
from avtool.evaluation.localisation.moments import LENGTHS, RATINGS, THRESHOLDS


def test_qvhighlights(test_data):
    folder = test_data / "eval" / "qvhighlights_nc"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    scored = score(
        folder / "highlight_val_release.jsonl", folder / "sample_val_preds.jsonl", fix=False, seed=0
    )
    printed = json.loads((folder / "sample_val_preds_metrics_raw.json").read_text())
    metrics, means, found = scored.metrics, scored.means, {}
    for name in LENGTHS:
        found[name] = {
            f"MR-{kind}": {
                str(limit): round(value, 2)
                for limit, value in zip(THRESHOLDS, metrics[name][kind], strict=True)
            }
            for kind in ("mAP", "R1")
        }
        found[name]["MR-mAP"]["average"] = round(metrics[name]["average"], 2)
    for name in RATINGS:
        values = metrics[f"highlights_{name}"]
        found[f"HL-min-{name}"] = {
            "HL-mAP": round(values["mAP"], 2),
            "HL-Hit1": round(values["HIT@1"], 2),
        }
    brief = {
        f"HL-min-{name}-{kind}": found[f"HL-min-{name}"][f"HL-{kind}"]
        for name in RATINGS
        for kind in ("mAP", "Hit1")
    }
    for title, value in means.items():
        kind, _, length = title.partition(" ")
        if kind not in ("HL", "HIT@1"):
            brief[f"MR-{length or 'full'}-{kind}"] = round(value, 2)
    assert found | {"brief": brief} == printed
