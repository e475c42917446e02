"""numpy with BLAS, any depth and batch: elementwise work of all cells in one call, products and updates by BLAS in place.

The somas of all layers lie side by side in one array: pyramidal layers 1 to N, then interneurons 1 to N - 1.
"""

import numpy
from scipy.linalg import blas

F = numpy.float32


def logistic(u, out):
    numpy.negative(u, out=out)
    numpy.exp(out, out=out)
    out += F(1)
    numpy.reciprocal(out, out=out)


class Cells:
    """One number per cell and sample, with views per population."""

    def __init__(self, case):
        n, batch = case.sizes, case.batch
        widths = [*n[1:], *n[2:]]
        self.all = numpy.zeros(batch * sum(widths), F)
        ends = numpy.cumsum([0, *widths]) * batch
        views = [self.all[a:b].reshape(batch, w) for a, b, w in zip(ends, ends[1:], widths)]
        self.pyramidal, self.inter = views[: case.depth], views[case.depth :]


def product(w, r, out):
    """out = r W^T."""
    if r.shape[0] == 1:
        numpy.dot(w, r[0], out=out[0])
    else:
        numpy.dot(r, w.T, out=out)


def outer(e, r, scale, keep, m):
    """m = keep m + scale mean e r^T, in place."""
    batch = len(e)
    if batch == 1:
        if keep != 1:
            m *= F(keep)
        blas.sger(scale, r[0], e[0], a=m.T, overwrite_x=0, overwrite_a=1)
    else:
        blas.sgemm(scale / batch, r.T, e.T, beta=keep, c=m.T, trans_b=1, overwrite_c=1)


class Peer:
    def __init__(self, case):
        self.case = case
        self.rng = numpy.random.default_rng(1)

    def reset(self):
        c = self.case
        self.w = {kind: [w.copy() for w in list_] for kind, list_ in c.weights.items()}
        self.d = c.zeros()
        self.u, self.r, self.dend, self.du, self.hat, self.apical = (Cells(c) for _ in range(6))
        self.trace = numpy.zeros((c.batch, c.sizes[0]), F)
        self.trace_t = numpy.zeros((c.batch, c.sizes[-1]), F)
        self.feedback = [numpy.zeros((c.batch, n), F) for n in c.sizes[1:-1]]
        self.lateral = [numpy.zeros((c.batch, n), F) for n in c.sizes[1:-1]]
        # Constants of each cell: total conductance, dendritic conductance, attenuation.
        self.total, self.g, self.att = (Cells(c) for _ in range(3))
        for k in range(c.depth):
            top = k == c.depth - 1
            self.g.pyramidal[k].fill(c.g_b)
            self.total.pyramidal[k].fill(c.g_lk + c.g_b + (c.g_som_output if top else c.g_a))
            self.att.pyramidal[k].fill(c.attenuation_output if top else c.attenuation_hidden)
        for k in range(c.depth - 1):
            self.g.inter[k].fill(c.g_d)
            self.total.inter[k].fill(c.g_lk + c.g_d + c.g_som_interneuron)
            self.att.inter[k].fill(c.attenuation_interneuron)

    def present(self, n, jump):
        c = self.case
        x, target = c.input[n % c.patterns], c.target[n % c.patterns]
        if c.work == "two-step":
            return self.two_step(x, target)
        normals = self.rng.standard_normal((c.steps, self.u.all.size), F) if jump else None
        if normals is not None:
            normals *= F(jump)
        for step in range(c.steps):
            self.step(x, target, step >= c.lag_steps)
            if normals is not None:
                self.u.all += normals[step]

    def step(self, x, target, plastic):
        c, u, r, dend, du = self.case, self.u, self.r, self.dend, self.du
        top = c.depth - 1
        self.trace += F(c.dt / c.tau_0) * (x - self.trace)
        if c.tau_target is not None:
            self.trace_t += F(c.dt / c.tau_target) * (target - self.trace_t)
            target = self.trace_t
        logistic(u.all, r.all)
        self.potentials()
        # du/dt = g dend - total u + what else drives the soma.
        numpy.multiply(self.g.all, dend.all, out=du.all)
        numpy.multiply(self.total.all, u.all, out=self.hat.all)
        du.all -= self.hat.all
        for k in range(top):
            du.pyramidal[k] += F(c.g_a) * self.apical.pyramidal[k]
            du.inter[k] += F(c.g_som_interneuron) * u.pyramidal[k + 1]
        du.pyramidal[top] += F(c.g_som_output) * target
        if plastic:
            self.learn()
        du.all *= F(c.dt)
        u.all += du.all

    def potentials(self):
        c, r, dend = self.case, self.r, self.dend
        for k in range(c.depth):
            product(self.w["Wpp"][k], self.trace if k == 0 else r.pyramidal[k - 1], dend.pyramidal[k])
            if self.w["bpp"]:
                dend.pyramidal[k] += F(c.bias_rate) * self.w["bpp"][k]
        for k in range(c.depth - 1):
            product(self.w["Wip"][k], r.pyramidal[k], dend.inter[k])
            if self.w["bip"]:
                dend.inter[k] += F(c.bias_rate) * self.w["bip"][k]
            product(self.w["Wpb"][k], r.pyramidal[k + 1], self.feedback[k])
            product(self.w["Wpi"][k], r.inter[k], self.lateral[k])
            numpy.add(self.feedback[k], self.lateral[k], out=self.apical.pyramidal[k])

    def learn(self):
        c, r, e = self.case, self.r, self.hat
        numpy.multiply(self.att.all, self.dend.all, out=e.all)
        logistic(e.all, e.all)
        numpy.subtract(r.all, e.all, out=e.all)
        for k in range(c.depth):
            self.change("Wpp", k, e.pyramidal[k], self.trace if k == 0 else r.pyramidal[k - 1], "bpp")
        for k in range(c.depth - 1):
            self.change("Wip", k, e.inter[k], r.pyramidal[k], "bip")
            if c.eta_pi[k]:
                self.change("Wpi", k, -self.apical.pyramidal[k], r.inter[k])
            if c.eta_pb[k]:
                logistic(self.feedback[k], self.feedback[k])
                self.change("Wpb", k, r.pyramidal[k] - self.feedback[k], r.pyramidal[k + 1])

    def change(self, kind, k, e, rate, bias=None):
        c = self.case
        eta = self.case.rates[kind][k]
        if not eta:
            return
        w, d, a = self.w[kind][k], self.d[kind][k], c.dt / c.tau_w
        blas.saxpy(d.ravel(), w.ravel(), a=c.dt * eta)
        outer(e, rate, a, 1 - a, d)
        if bias and self.w[bias]:
            w, d = self.w[bias][k], self.d[bias][k]
            w += F(c.dt * eta) * d
            d += F(a) * (F(c.bias_rate) * e.mean(axis=0) - d)

    def two_step(self, x, target):
        """One pass up, one down, one update."""
        c, w = self.case, self.w
        top, beta = c.depth - 1, F(c.bias_rate)
        rates, somas, below = [], [], x
        for k in range(c.depth):
            v = below @ w["Wpp"][k].T
            v += beta * w["bpp"][k]
            v *= F(c.attenuation_output if k == top else c.attenuation_hidden)
            below = numpy.empty_like(v)
            logistic(v, below)
            somas.append(v)
            rates.append(below)
        soma = somas[top] + F(c.lambda_output) * (target - somas[top])
        nudged = numpy.empty_like(soma)
        logistic(soma, nudged)
        changes = [("Wpp", top, nudged - rates[top], rates[top - 1])]
        for k in reversed(range(top)):
            v = rates[k] @ w["Wip"][k].T
            v += beta * w["bip"][k]
            v *= F(c.attenuation_interneuron)
            inter, inter_nudged = numpy.empty_like(v), numpy.empty_like(v)
            logistic(v, inter)
            v *= F(1 - c.lambda_interneuron)
            v += F(c.lambda_interneuron) * soma
            logistic(v, inter_nudged)
            apical = nudged @ w["Wpb"][k].T
            apical += inter_nudged @ w["Wpi"][k].T
            soma = somas[k] + F(c.lambda_hidden) * apical
            nudged = numpy.empty_like(soma)
            logistic(soma, nudged)
            changes.append(("Wip", k, inter_nudged - inter, rates[k]))
            changes.append(("Wpp", k, nudged - rates[k], x if k == 0 else rates[k - 1]))
        for kind, k, e, rate in changes:
            eta = c.rates[kind][k]
            outer(e, rate, eta, 1, w[kind][k])
            w["bpp" if kind == "Wpp" else "bip"][k] += F(eta) * beta * e.mean(axis=0)

    def wait(self):
        pass

    def results(self):
        if self.case.work == "two-step":
            return (self.w,)
        return self.w, self.d, self.u.pyramidal, self.u.inter
