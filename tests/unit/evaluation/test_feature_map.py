"""The map of features: main directions, and a figure that shows the classes."""

import json

import numpy as np

from avtool.evaluation.feature_map import map_figure, map_values, principal_map
from avtool.evaluation.report_figures import metric_figures


def test_the_main_directions_are_found() -> None:
    rng = np.random.default_rng(0)
    plane = rng.standard_normal((200, 2)) * [5.0, 2.0]
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    places, shares = principal_map(np.pad(plane, ((0, 0), (0, 4))) @ turn)
    assert abs(np.corrcoef(places[:, 0], plane[:, 0])[0, 1]) > 0.99
    np.testing.assert_allclose(shares, (25 / 29, 4 / 29), atol=0.05)


def test_equal_features_give_equal_maps() -> None:
    values = np.random.default_rng(1).standard_normal((30, 5))
    assert np.array_equal(principal_map(values)[0], principal_map(values.copy())[0])
    np.testing.assert_allclose(principal_map(values[::-1])[0][::-1], principal_map(values)[0], atol=1e-9)


def test_a_collapsed_encoder_has_a_point_for_a_map() -> None:
    places, shares = principal_map(np.ones((5, 3)))
    assert not places.any()
    assert shares == (0.0, 0.0)


def test_one_number_a_clip_is_a_line() -> None:
    places, shares = principal_map(np.arange(5.0)[:, None])
    assert not places[:, 1].any()
    assert shares == (1.0, 0.0)


def test_the_figure_names_its_classes() -> None:
    values = np.random.default_rng(0).standard_normal((12, 4))
    figure = map_figure(values, ["sea_waves", "dog", "rain"] * 4)
    assert all(name in figure for name in ("sea waves", "dog", "rain"))
    assert map_figure(values, ["sea_waves", "dog", "rain"] * 4) == figure
    assert "dog" not in map_figure(values)


def test_a_report_draws_the_map_of_its_metrics() -> None:
    values = map_values(np.random.default_rng(0).standard_normal((12, 4)), ["dog", "rain"] * 6)
    ((title, figure),) = metric_figures(json.loads(json.dumps({"feature_map": values})))
    assert "main directions" in title
    assert "rain" in figure
