"""JAX, any depth and batch: a presentation is one compiled scan over its steps; weights are donated."""

import functools

import jax
import jax.numpy as np
import numpy

jax.config.update("jax_default_prng_impl", "unsafe_rbg")  # the fastest generator that it has


def phi(u):
    return jax.nn.sigmoid(u)


def product(w, r):
    """W r for one pattern, R W^T for several."""
    return w @ r if r.ndim == 1 else r @ w.T


def mean_outer(e, r):
    return np.outer(e, r) if e.ndim == 1 else e.T @ r / e.shape[0]


def mean_bias(e, beta):
    return beta * (e if e.ndim == 1 else e.mean(axis=0))


def potentials(c, w, trace, r, ri):
    """Basal, interneuron, feedback and lateral potentials."""
    bias = (lambda kind, k: c.bias_rate * w[kind][k]) if c.bias_rate else (lambda kind, k: 0.0)
    basal = [product(w["Wpp"][k], trace if k == 0 else r[k - 1]) + bias("bpp", k) for k in range(c.depth)]
    hidden = range(c.depth - 1)
    inter = [product(w["Wip"][k], r[k]) + bias("bip", k) for k in hidden]
    feedback = [product(w["Wpb"][k], r[k + 1]) for k in hidden]
    lateral = [product(w["Wpi"][k], ri[k]) for k in hidden]
    return basal, inter, feedback, lateral


def learn(c, w, d, terms):
    """W += dt eta Delta, then Delta += a (rule / eta - Delta), for the rules that are on."""
    a = c.dt / c.tau_w
    w, d = ({kind: list(list_) for kind, list_ in t.items()} for t in (w, d))
    for kind, k, e, r in terms:
        eta = c.rates[kind][k]
        if eta == 0:
            continue
        changed = [(kind, lambda: mean_outer(e, r))]
        bias = {"Wpp": "bpp", "Wip": "bip"}.get(kind)
        if bias and c.bias_rate:
            changed.append((bias, lambda: mean_bias(e, c.bias_rate)))
        for name, rule in changed:
            old = d[name][k]
            w[name][k] = w[name][k] + c.dt * eta * old
            d[name][k] = old + a * (rule() - old)
    return w, d


def step(c, x, target, learning, carry, jolts):
    w, d, u, ui, trace, trace_t = carry
    top = c.depth - 1
    trace = trace + c.dt / c.tau_0 * (x - trace)
    if c.tau_target is not None:
        trace_t = trace_t + c.dt / c.tau_target * (target - trace_t)
        target = trace_t
    r, ri = [phi(x) for x in u], [phi(x) for x in ui]
    basal, inter, feedback, lateral = potentials(c, w, trace, r, ri)
    apical = [f + l for f, l in zip(feedback, lateral)]
    du = [-c.g_lk * u[k] + c.g_b * (basal[k] - u[k]) + c.g_a * (apical[k] - u[k]) for k in range(top)]
    du.append(-c.g_lk * u[top] + c.g_b * (basal[top] - u[top]) + c.g_som_output * (target - u[top]))
    dui = [-c.g_lk * ui[k] + c.g_d * (inter[k] - ui[k]) + c.g_som_interneuron * (u[k + 1] - ui[k]) for k in range(top)]
    if learning:
        att = [c.attenuation_hidden] * top + [c.attenuation_output]
        terms = []
        for k in range(c.depth):
            terms.append(("Wpp", k, r[k] - phi(att[k] * basal[k]), trace if k == 0 else r[k - 1]))
        for k in range(top):
            terms.append(("Wip", k, ri[k] - phi(c.attenuation_interneuron * inter[k]), r[k]))
            terms.append(("Wpi", k, -apical[k], ri[k]))
            terms.append(("Wpb", k, r[k] - phi(feedback[k]), r[k + 1]))
        w, d = learn(c, w, d, terms)
    u = [x + c.dt * dx for x, dx in zip(u, du)]
    ui = [x + c.dt * dx for x, dx in zip(ui, dui)]
    if jolts is not None:
        at = 0
        for list_ in (u, ui):
            for k in range(len(list_)):
                n = list_[k].size
                list_[k] = list_[k] + jolts[at : at + n].reshape(list_[k].shape)
                at += n
    return (w, d, u, ui, trace, trace_t), None


def presentation(c, noisy, carry, key, x, target, jump):
    """The lag and the rest are scans of their own, so that neither asks at each step whether it learns."""
    jolts = jump * jax.random.normal(key, (c.steps, c.cells), np.float32) if noisy else None
    for first, last, learning in ((0, c.lag_steps, False), (c.lag_steps, c.steps, True)):
        if last > first:
            part = None if jolts is None else jolts[first:last]
            body = functools.partial(step, c, x, target, learning)
            carry, _ = jax.lax.scan(body, carry, part, length=last - first)
    return carry


def two_step(c, w, x, target):
    top = c.depth - 1
    r, v_hat, below = [], [], x
    for k in range(c.depth):
        v = product(w["Wpp"][k], below) + c.bias_rate * w["bpp"][k]
        v_hat.append(v * (c.attenuation_output if k == top else c.attenuation_hidden))
        below = phi(v_hat[k])
        r.append(below)
    soma = v_hat[top] + c.lambda_output * (target - v_hat[top])
    nudged = phi(soma)
    terms = [("Wpp", top, nudged - r[top], r[top - 1])]
    for k in reversed(range(top)):
        v = c.attenuation_interneuron * (product(w["Wip"][k], r[k]) + c.bias_rate * w["bip"][k])
        inter = phi((1 - c.lambda_interneuron) * v + c.lambda_interneuron * soma)
        apical = product(w["Wpb"][k], nudged) + product(w["Wpi"][k], inter)
        soma = v_hat[k] + c.lambda_hidden * apical
        nudged = phi(soma)
        terms.append(("Wip", k, inter - phi(v), r[k]))
        terms.append(("Wpp", k, nudged - r[k], x if k == 0 else r[k - 1]))
    w = {kind: list(list_) for kind, list_ in w.items()}
    for kind, k, e, rate in terms:
        eta = c.rates[kind][k]
        w[kind][k] = w[kind][k] + eta * mean_outer(e, rate)
        bias = "bpp" if kind == "Wpp" else "bip"
        w[bias][k] = w[bias][k] + eta * mean_bias(e, c.bias_rate)
    return w


class Peer:
    def __init__(self, case):
        self.case = case
        case.cells = case.batch * (sum(case.sizes[1:]) + sum(case.sizes[2:]))
        shape = (lambda a: a[:, 0]) if case.batch == 1 else (lambda a: a)
        self.input, self.target = [np.array(x) for x in shape(case.input)], [np.array(x) for x in shape(case.target)]
        self.key = jax.random.key(1)
        if case.work == "two-step":
            self.run = jax.jit(functools.partial(two_step, case), donate_argnums=0)
        else:
            self.run = {
                noisy: jax.jit(functools.partial(presentation, case, noisy), donate_argnums=0)
                for noisy in (False, True)
            }

    def reset(self):
        c = self.case
        w, d = ({kind: [np.array(w) for w in list_] for kind, list_ in t.items()} for t in (c.weights, c.zeros()))
        if c.work == "two-step":
            self.carry = w
            return
        zeros = lambda n: np.zeros(n if c.batch == 1 else (c.batch, n), np.float32)
        u, ui = [zeros(n) for n in c.sizes[1:]], [zeros(n) for n in c.sizes[2:]]
        self.carry = (w, d, u, ui, zeros(c.sizes[0]), zeros(c.sizes[-1]))

    def present(self, n, jump):
        x, target = self.input[n % self.case.patterns], self.target[n % self.case.patterns]
        if self.case.work == "two-step":
            self.carry = self.run(self.carry, x, target)
        else:
            key = jax.random.fold_in(self.key, n) if jump else self.key
            self.carry = self.run[bool(jump)](self.carry, key, x, target, numpy.float32(jump))

    def wait(self):
        jax.block_until_ready(self.carry)

    def results(self):
        if self.case.work == "two-step":
            return (order(self.carry),)
        w, d, u, ui, _, _ = self.carry
        return order(w), order(d), u, ui


def order(t):
    """In the order of files: JAX sorts the keys of dicts."""
    return [w for kind in ("Wpp", "bpp", "Wpb", "Wip", "bip", "Wpi") for w in t[kind]]
