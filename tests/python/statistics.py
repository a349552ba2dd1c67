"""Recomputes every number of `relin summary --format json` from the result files, with numpy and scipy.

    statistics.py SUMMARY.json      prints "N cells, M comparisons, A answers agree"

The JSON says what was asked (question) and of which files (provenance); nothing of relin's own arithmetic is used. All
to 1e-9 relative, but bootstrap intervals, which are held to their Monte Carlo error against resamples of scipy's own.
"""
import json
import re
import sys

import h5py
import numpy as np
from scipy import stats

EXACT = 21   # pairs of which all signings are enumerated here; of more they are drawn
AXES_OF_SERIES = ("refresh_period", "schedule")


def close(got, expected, what, tolerance=1e-9):
    got = np.nan if got is None else float(got)
    same = got == expected or np.isnan(got) and np.isnan(expected) or abs(got - expected) <= tolerance * max(1, abs(expected))
    assert same, f"{what}: got {got!r}, expected {expected!r}"


class Jobs:
    """All jobs of the files, once each, with the metric at the moment that is asked for."""

    def __init__(self, question, paths):
        rows, self.by_rule = {}, False
        for path in paths:
            with h5py.File(path) as f:
                self.by_rule = self.by_rule or "until" in f["config"].attrs
                for row in self.read(f, question):
                    if row["status"] == 4:   # skipped: no observation
                        continue
                    old = rows.get(row["job_id"])
                    if old is None or (old["status"] != 2 and row["status"] == 2):
                        rows[row["job_id"]] = row
        self.rows = list(rows.values())

    def read(self, f, q):
        n = len(f["seed"])
        axes = f.attrs["axes"].split()
        column = {a: f[a].asstr()[:] if f[a].dtype.kind == "O" else f[a][:] for a in axes + ["schedule", "job_id"]}
        outcome, status = f["outcome"][:].astype("S16"), f["status"][:]
        config = [json.loads(t) for t in f["config/job_text"].asstr()[:]]
        metric, updates = q["metric"], f["feature_updates"][:]
        trainers = f["trainer"].asstr()[:]
        happened = f["refreshes_done"][:].astype(float)
        updates = np.where(np.isnan(updates) & (happened >= 0), happened, updates)
        steps, losses = f["step"][:], f["curve_train_loss"][:]
        path = self.path_lengths(f)
        for i in range(n):
            row = {a: column[a][i] for a in column}
            t = config[i]["training"]
            row.update(status=status[i], diverged=status[i] == 2 and outcome[i] == b"diverged", unreached=False,
                       path=path[i] if q["at"] is None else np.nan, loss=self.losses(steps[i], losses[i]), trainer=column.get("trainer", trainers)[i],
                       eta=f["learning_rate"][i], rows=config[i]["data"]["train"], momentum=t["momentum"])
            if q["at"] is None:
                row["validation"] = f["validation_loss"][i]
                values = [f[metric][i], f[metric + "_network"][i] if metric + "_network" in f else np.nan]
                row["updates"] = updates[i]
            else:
                e = self.moment(f, q["at"], i, row, steps[i], updates[i])
                row["unreached"] = bool(status[i] == 2 and e is None and not row["diverged"])
                row["validation"] = np.nan if e is None else f["curve_validation_loss"][i, e]
                values = [np.nan] * 2 if e is None else [f["curve_" + metric][i, e], f["curve_" + metric + "_network"][i, e]]
                row["updates"] = np.nan if e is None else self.before(f, i, row, steps[i][e])
            row["linear"], row["network"] = values
            yield row

    @staticmethod
    def path_lengths(f):
        """Of the kernel that is trained with; at K=1 that of the network."""
        if "kernels/kernel_path_length_linearised" not in f:
            return np.full(len(f["seed"]), np.nan)
        at, own = f["kernels/kernel_path_length_linearised"][:], f["kernels/kernel_path_length"][:]
        return np.where(np.isnan(at) & (f["refresh_period"][:] == 1), own, at)

    @staticmethod
    def losses(steps, losses):
        """Training loss at the start, at half of the steps or before, and at the end."""
        known = np.flatnonzero((steps >= 0) & np.isfinite(losses))
        if len(known) == 0:
            return np.nan, np.nan, np.nan
        last = known[-1]
        half = [e for e in range(last) if steps[e] >= 0 and 2 * steps[e] <= steps[last]]
        return losses[0], losses[half[-1]] if half else losses[0], losses[last]

    @staticmethod
    def before(f, i, row, step):
        if row["schedule"] == "constant":
            return 0 if np.isinf(row["refresh_period"]) else max(0, np.ceil(step / row["refresh_period"]) - 1)
        logged = f["refresh_step"][i]
        return np.sum((logged >= 0) & (logged < step))

    def moment(self, f, at, i, row, steps, updates):
        kind, value = at.split("=")
        places = [e for e in np.argsort(steps, kind="stable") if steps[e] >= 0]
        if row["status"] != 2:
            return None
        if kind == "train_loss":
            found = [e for e in places if f["curve_train_loss"][i, e] <= float(value)]
            e = found[0] if found else None
        elif kind == "best":
            curve = f["curve_" + value][i]
            known = [e for e in places if np.isfinite(curve[e])]
            sign = -1 if value.endswith("accuracy") else 1
            e = min(known, key=lambda e: sign * curve[e]) if known else None
        else:
            if kind == "step":
                allowed = [e for e in places if steps[e] <= float(value)]
                limit = float(value)
            else:
                n = float(value)
                allowed = [e for e in places if self.before(f, i, row, steps[e]) <= n] if updates >= n else []
                limit = row["refresh_period"] * (n + 1) if updates >= n else np.nan
            row["diverged"] = row["diverged"] and not f["steps_done"][i] > limit
            e = allowed[-1] if allowed and not row["diverged"] else None
        if e is not None:
            row["diverged"] = False
        return e


def counted(row, value):
    return row["status"] == 2 and not row["diverged"] and np.isfinite(value)


def check_sample(cell, x, prefix, low, high):
    n = len(x)
    close(cell[prefix + "mean"], x.mean() if n else np.nan, prefix + "mean")
    ends = stats.t.interval(0.95, n - 1, x.mean(), stats.sem(x)) if n > 1 and x.std() > 0 else (x.mean(),) * 2 if n > 1 else (np.nan,) * 2
    close(cell[low], ends[0], low)
    close(cell[high], ends[1], high)


def bca_with_ties(x, seed):
    """scipy counts no tie of a resample with the sample as half below it, which shifts its ends where values are few."""
    means = np.random.default_rng(seed).choice(x, (4000, len(x))).mean(axis=1)
    below = np.mean((means < x.mean() - 1e-12) + 0.5 * (np.abs(means - x.mean()) <= 1e-12))
    left_out = (x.sum() - x) / (len(x) - 1)
    u = left_out.mean() - left_out
    z0, a = stats.norm.ppf(below), np.sum(u ** 3) / (6 * np.sum(u ** 2) ** 1.5)
    z = z0 + stats.norm.ppf([0.025, 0.975])
    return np.quantile(means, stats.norm.cdf(z0 + z / (1 - a * z)))


def bca(x, seed):
    if len(np.unique(x)) < len(x):
        return bca_with_ties(x, seed)
    return stats.bootstrap((x,), np.mean, method="BCa", n_resamples=4000, random_state=seed).confidence_interval


def check_bca(cell, x):
    if len(x) < 20 or x.std() == 0:
        return
    ends = np.array([bca(x, seed) for seed in range(5)])
    grid = np.min(np.diff(np.unique(x))) / len(x)   # means of accuracies of few examples lie on a grid
    for name, theirs in (("bca_low", ends[:, 0]), ("bca_high", ends[:, 1])):
        # one end of 9,999 resamples of a normal sample scatters by 0.03 of the standard error, of a skewed one by more
        most = 0.1 * stats.sem(x) + 4 * theirs.std(ddof=1) + (grid if len(np.unique(x)) < len(x) else 0)
        assert abs(cell[name] - theirs.mean()) < most, (name, cell[name], theirs)


def sign_flip(d):
    if np.all(d == 0):
        return 1.0
    # integers, so that sums that are equal on paper are equal: ties are the rule with accuracies of few examples
    scaled = d / np.abs(d).max()
    if 1 < len(d) <= 12:
        return stats.permutation_test((scaled,), lambda x, axis: np.round(np.abs(np.mean(x, axis=axis)), 12),
                                      permutation_type="samples", vectorized=True, alternative="greater",
                                      n_resamples=np.inf).pvalue
    if len(d) > EXACT:
        signs = np.random.default_rng(1).choice([-1.0, 1.0], (100000, len(d)))
        return np.mean(np.abs(signs @ scaled) >= abs(scaled.sum()) - 1e-11 * len(d))
    sums = np.zeros(1)
    for value in scaled:
        sums = np.concatenate([sums - value, sums + value])
    return np.mean(np.abs(sums) >= abs(scaled.sum()) - 1e-11 * len(d))


def holm(p):
    order, adjusted, floor = np.argsort(p, kind="stable"), np.empty(len(p)), 0
    for rank, i in enumerate(order):
        floor = max(floor, min(1, p[i] * (len(p) - rank)))
        adjusted[i] = floor
    return adjusted


def same(value, wanted):
    if wanted == "inf":
        return np.isinf(value)
    return value == wanted


def tuned(rows, cell, q):
    """Checks the values that were chosen for a cell; its rows with these, of the seeds that did not choose."""
    scores = {}
    for r in rows:
        if r["seed"] in q["tuning_seeds"]:
            good = counted(r, r["validation"])
            lost, values = scores.setdefault(tuple(r[a] for a in q["tuned"]), ([], []))
            lost.append(not good)
            values.extend([r["validation"]] if good else [])
    best = min(scores, key=lambda v: (sum(scores[v][0]), np.mean(scores[v][1]) if scores[v][1] else np.inf))
    assert best == tuple(cell[a] for a in q["tuned"]), (best, cell)
    return [r for r in rows if tuple(r[a] for a in q["tuned"]) == best and r["seed"] not in q["tuning_seeds"]]


def lone_solver(cell):
    """A Gauss-Newton cell beside no linearised one: its learning rate scales a step, and means no eta."""
    return cell.get("trainer") == "gauss-newton" and "training_steps" in cell and cell["against"] is None


def check_cells(document, jobs):
    q, members = document["question"], []
    readout = q["readout"] or "linear"
    for cell in document["cells"]:
        rows = [r for r in jobs.rows if all(same(r[a], cell[a]) for a in q["by"])]
        if q["tuned"]:
            rows = tuned(rows, cell, q)
        rows.sort(key=lambda r: tuple(r[a] for a in q["over"]))
        members.append(rows)
        x = np.array([r[readout] for r in rows if counted(r, r[readout])])
        for name, value in (("planned", len(rows)), ("n", len(x)), ("failed", sum(r["status"] == 3 for r in rows)),
                            ("diverged", sum(r["diverged"] for r in rows)), ("unreached", sum(r["unreached"] for r in rows)),
                            ("missing", sum(r["status"] in (0, 1) for r in rows))):
            assert cell[name] == value, (name, cell[name], value)
        check_sample(cell, x, "", "low", "high")
        check_sample(cell, np.array([r["network"] for r in rows if counted(r, r["network"])]), "network_", "network_low", "network_high")
        several = len(x) > 1
        close(cell["sd"], np.std(x, ddof=1) if several else np.nan, "sd")
        close(cell["se"], stats.sem(x) if several else np.nan, "se")
        close(cell["median"], np.median(x) if len(x) else np.nan, "median")
        close(cell["min"], x.min() if len(x) else np.nan, "min")
        close(cell["max"], x.max() if len(x) else np.nan, "max")
        check_sample(cell, np.array([r["path"] for r in rows if counted(r, r["path"])]), "path_length_", "path_length_low", "path_length_high")
        check_bca(cell, x)
        eta = np.array([r["eta"] for r in rows if np.isfinite(r["eta"])])
        if cell.get("schedule", "constant") == "constant" and not lone_solver(cell) and len(eta) and "refresh_period" in q["by"]:
            k = rows[0]["refresh_period"]
            close(cell["eta_K"], eta.mean() * k, "eta_K")
            close(cell["damping"], np.mean([r["rows"] * (1 - r["momentum"]) / (r["eta"] * k) for r in rows if np.isfinite(r["eta"])]), "damping")
        known = [r["updates"] for r in rows if np.isfinite(r["updates"])]
        if cell["feature_updates"] is not None:
            close(cell["feature_updates"], np.mean(known), "feature_updates")
            close(cell["feature_updates_min"], min(known), "feature_updates_min")
            close(cell["feature_updates_max"], max(known), "feature_updates_max")
    return members


def check_comparisons(document, members, by_rule):
    q, done = document["question"], 0
    readout = q["readout"] or "linear"
    for family in document["comparisons"]:
        p, cells = [], []
        for i in range(family["first_cell"], family["first_cell"] + family["n_cells"]):
            cell = document["cells"][i]
            if cell["against"] is None:
                continue
            base = {tuple(r[a] for a in q["over"]): r for r in members[cell["against"]]}
            pairs = [(r[readout], base[u][readout]) for r in members[i] for u in [tuple(r[a] for a in q["over"])]
                     if u in base and counted(r, r[readout]) and counted(base[u], base[u][readout])]
            d = np.array([x - y for x, y in pairs])
            assert cell["pairs"] == len(d)
            if len(d) == 0:
                continue
            check_sample(cell, d, "difference_", "difference_low", "difference_high")
            if not by_rule:
                close(cell["p"], sign_flip(d), "p", 1e-9 if len(d) <= EXACT else 0.01)
            p.append(cell["p"])
            cells.append(cell)
        if by_rule:   # after looking again and again there are none
            assert all(c["p"] is None and c["p_holm"] is None for c in cells) and family["p_least"] is None
            assert family["compared"] == len(cells)
            done += len(cells)
            continue
        for cell, adjusted in zip(cells, holm(np.array(p))):
            close(cell["p_holm"], adjusted, "p_holm")
        assert family["compared"] == len(p)
        if p:
            most = max(c["pairs"] for c in cells)
            close(family["p_least"], min(1, len(p) * 2 / 2 ** most), "p_least")
            assert len(p) * 2 / 2 ** family["pairs_needed"] <= 0.05 < len(p) * 4 / 2 ** family["pairs_needed"]
        done += len(p)
    return done


def check_alone(document, members, sign):
    """What is judged by its own interval: schedules, Gauss-Newton runs."""
    margin = document["question"]["margin"]
    for i, cell in enumerate(document["cells"]):
        alone = cell.get("schedule", "constant") != "constant" or cell.get("trainer") == "gauss-newton" and "training_steps" in cell
        if not alone or cell["against"] is None or margin is None or document["cells"][cell["against"]]["n"] < 2:
            continue
        lost = any(r["diverged"] or r["unreached"] for m in (i, cell["against"]) for r in members[m])
        ends = [np.nan if cell[e] is None else sign * cell[e] for e in ("difference_low", "difference_high")]
        wanted = "yes" if min(ends) > -margin and not lost else "no" if max(ends) < -margin or cell["pairs"] == 0 and lost else "unclear"
        assert cell["suffices"] == wanted, (cell, wanted)


def check_convergence(document, members):
    """The note on baselines whose training loss still falls, and no other."""
    told = [n["text"] for n in document["notes"] if "has not converged" in n["text"]]
    for family in document["comparisons"]:
        if family["baseline_cell"] is None or document["question"]["at"] is not None:
            return
        losses = np.array([r["loss"] for r in members[family["baseline_cell"]] if r["status"] == 2 and not r["diverged"]])
        losses = losses[(losses[:, 0] > 0) & (losses[:, 1] > 0)] if len(losses) else losses
        falls = np.median(1 - losses[:, 2] / losses[:, 1]) if len(losses) else 0
        share = np.median(losses[:, 2] / losses[:, 0]) if len(losses) else 0
        if falls <= 0.05 or share <= 0.01:
            continue
        got = re.search(r"fell by (\d+) % in the second half of training and ended at (\S+) of its start", told.pop(0))
        assert got and abs(float(got[1]) - 100 * falls) <= 0.5 + 1e-9 and got[2] == "%.2g" % share, (got, falls, share)
    assert not told, told


def check_answers(document, members):
    """Fixed sequence upwards for what suffices, downwards for what does not."""
    q, told = document["question"], 0
    sign = {"higher": 1, "lower": -1, None: np.nan}[q["better"]]
    check_alone(document, members, sign)
    check_convergence(document, members)
    for family, answer in zip(document["comparisons"], document["answers"]):
        assert answer["sentence"]
        if "shown" not in answer:
            continue
        told += 1
        first, last = family["baseline_cell"], family["first_cell"] + family["n_cells"]
        cells = [c for c in document["cells"][first:last] if c.get("schedule", "constant") == "constant"]
        low = [min(sign * c["difference_low"], sign * c["difference_high"]) if c["pairs"] > 1 else np.nan for c in cells[1:]]
        high = [max(sign * c["difference_low"], sign * c["difference_high"]) if c["pairs"] > 1 else np.nan for c in cells[1:]]
        lost = [any(r["diverged"] or r["unreached"] for m in (first, first + 1 + i) for r in members[m]) for i in range(len(low))]
        shown = 0
        while shown < len(low) and low[shown] > -q["margin"] and not lost[shown]:
            shown += 1
        mean = [sign * (np.nan if c["difference_mean"] is None else c["difference_mean"]) for c in cells[1:]]
        estimate = 0
        while estimate < len(mean) and mean[estimate] > -q["margin"] and not lost[estimate]:
            estimate += 1
        assert answer["estimate"]["cell"] == first + estimate, (answer, estimate)
        possible = len(low)
        while possible > 0 and (high[possible - 1] < -q["margin"] or cells[possible]["pairs"] == 0 and lost[possible - 1]):
            possible -= 1
        assert answer["shown"]["cell"] == first + shown and answer["possible"]["cell"] == first + possible, (answer, shown, possible)
        for i, cell in enumerate(cells):
            wanted = "baseline" if i == 0 else "yes" if i <= shown else "no" if i > possible else "unclear"
            assert cell["suffices"] == wanted, (cell, wanted)
        for which in ("shown", "estimate", "possible"):
            for key in ("refresh_period", "feature_updates", "eta_K", "damping"):
                assert answer[which][key] == document["cells"][answer[which]["cell"]][key], (which, key)
        updates = [np.nan if c["feature_updates"] is None else c["feature_updates"] for c in cells]
        fewest = updates[possible] if possible + 1 == len(cells) else updates[possible + 1] + 1
        close(answer["feature_updates_interval"][0], fewest, "fewest")
        close(answer["feature_updates_interval"][1], updates[shown], "shown")
    return told


def stratified(strata, statistic, seed, n=2000):
    """Percentile interval of a statistic of samples that are drawn anew, each by itself."""
    random = np.random.default_rng(seed)
    return np.quantile([statistic([random.choice(x, len(x)) for x in strata]) for _ in range(n)], [0.025, 0.975])


def check_across(document, members):
    if "across" not in document:
        return 0
    q, across = document["question"], document["across"]
    readout, lower = q["readout"] or "linear", q["better"] == "lower"
    common = [a for a in q["by"] if a not in across["axes"] and a not in AXES_OF_SERIES]
    for row in across["rows"]:
        x, y, d = [], [], []
        for cell, rows in zip(document["cells"], members):
            if cell["against"] is None or cell["refresh_period"] != row["refresh_period"] or cell["n"] == 0:
                continue
            base = members[cell["against"]]
            if any(cell[a] != row[a] for a in common) or document["cells"][cell["against"]]["n"] == 0:
                continue
            x.append(np.array([r[readout] for r in rows if counted(r, r[readout])]))
            y.append(np.array([r[readout] for r in base if counted(r, r[readout])]))
            own = {tuple(r[a] for a in q["over"]): r[readout] for r in base if counted(r, r[readout])}
            d.append(np.array([r[readout] - own[u] for r in rows for u in [tuple(r[a] for a in q["over"])]
                               if u in own and counted(r, r[readout])]))
        assert row["tasks"] == len(x) and row["runs"] == sum(map(len, x)) and row["baseline_runs"] == sum(map(len, y))

        def improvement(samples):
            pairs = zip(samples[:len(x)], samples[len(x):])
            share = np.mean([np.mean(np.sign(a[:, None] - b) / 2 + 0.5) for a, b in pairs])
            return 1 - share if lower else share

        def iqm(samples):
            return stats.trim_mean(np.concatenate(samples), 0.25)

        whitney = np.mean([stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) for a, b in zip(x, y)])
        close(row["improvement"], 1 - whitney if lower else whitney, "improvement")
        for name, strata, statistic, n in (("improvement", x + y, improvement, 500), ("iqm", x, iqm, 500),
                                           ("iqm_baseline", y, iqm, 500), ("difference", d, iqm, 500)):
            close(row[name], statistic(strata), name)
            theirs = np.array([stratified(strata, statistic, seed, n) for seed in range(4)])
            for end, place in ((name + "_low", 0), (name + "_high", 1)):
                most = 4 * theirs[:, place].std(ddof=1) + 0.1 * (theirs[:, 1] - theirs[:, 0]).mean() + 1e-9
                assert abs(row[end] - theirs[:, place].mean()) < most, (end, row[end], theirs)
    return len(across["rows"])


def main():
    document = json.load(open(sys.argv[1]))
    assert document["format"] == 2
    jobs = Jobs(document["question"], [f["path"] for f in document["provenance"]["files"]])
    members = check_cells(document, jobs)
    compared = check_comparisons(document, members, jobs.by_rule)
    told = check_answers(document, members)
    rows = check_across(document, members)
    print(f"{len(members)} cells, {compared} comparisons, {told} answers{f', {rows} rows across' if rows else ''} agree")


main()
