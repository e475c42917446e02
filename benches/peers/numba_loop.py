"""One hidden layer, one pattern at a time, as a numba loop: each row of weights is updated right after it was read."""

import math

import numba
import numpy

F = numpy.float32


@numba.njit(fastmath=True, error_model="numpy", inline="always")
def phi(u):
    return F(1) / (F(1) + math.exp(-u))


@numba.njit(fastmath=True, error_model="numpy", inline="always")
def dot(w, r):
    s = F(0)
    for j in range(r.size):
        s += w[j] * r[j]
    return s


@numba.njit(fastmath=True, error_model="numpy", inline="always")
def learn(w, d, eta_dt, a, e, r):
    for j in range(r.size):
        w[j] += eta_dt * d[j]
        d[j] += a * (e * r[j] - d[j])


@numba.njit(fastmath=True, error_model="numpy", inline="always")
def jolt(u, jump):
    for i in range(u.size):
        u[i] += jump * F(numpy.random.standard_normal())


@numba.njit(fastmath=True, error_model="numpy")
def presentation(w, d, b, db, u, r, dend, trace, trace_t, x, target, steps, lag, eta, g, att, trace_in, trace_tgt, dt, a,
                 beta, jump):
    w1, w2, wb, wi, wl = w
    d1, d2, db_, di, dl = d
    b1, b2, bi = b
    db1, db2, dbi = db
    u1, u2, ui = u
    r1, r2, ri = r
    du1, du2, dui = dend
    eta1, eta2, etai, etal, etab = eta
    g_lk, g_b, g_a, g_d, som_n, som_i = g
    hidden, output, inter = att
    for n in range(steps):
        plastic = n >= lag
        for j in range(trace.size):
            trace[j] += trace_in * (x[j] - trace[j])
        for i in range(u2.size):
            trace_t[i] += trace_tgt * (target[i] - trace_t[i])
        for i in range(u1.size):
            r1[i] = phi(u1[i])
        for i in range(u2.size):
            r2[i] = phi(u2[i])
            ri[i] = phi(ui[i])
        for i in range(u1.size):
            v_b = dot(w1[i], trace) + beta * b1[i]
            feedback = dot(wb[i], r2)
            v_a = feedback + dot(wl[i], ri)
            du1[i] = -g_lk * u1[i] + g_b * (v_b - u1[i]) + g_a * (v_a - u1[i])
            if plastic:
                if eta1 != 0:
                    e = r1[i] - phi(hidden * v_b)
                    learn(w1[i], d1[i], eta1, a, e, trace)
                    b1[i] += eta1 * db1[i]
                    db1[i] += a * (e * beta - db1[i])
                if etal != 0:
                    learn(wl[i], dl[i], etal, a, -v_a, ri)
                if etab != 0:
                    learn(wb[i], db_[i], etab, a, r1[i] - phi(feedback), r2)
        for i in range(u2.size):
            v_b = dot(w2[i], r1) + beta * b2[i]
            v_i = dot(wi[i], r1) + beta * bi[i]
            du2[i] = -g_lk * u2[i] + g_b * (v_b - u2[i]) + som_n * (trace_t[i] - u2[i])
            dui[i] = -g_lk * ui[i] + g_d * (v_i - ui[i]) + som_i * (u2[i] - ui[i])
            if plastic:
                if eta2 != 0:
                    e = r2[i] - phi(output * v_b)
                    learn(w2[i], d2[i], eta2, a, e, r1)
                    b2[i] += eta2 * db2[i]
                    db2[i] += a * (e * beta - db2[i])
                if etai != 0:
                    e = ri[i] - phi(inter * v_i)
                    learn(wi[i], di[i], etai, a, e, r1)
                    bi[i] += etai * dbi[i]
                    dbi[i] += a * (e * beta - dbi[i])
        for i in range(u1.size):
            u1[i] += dt * du1[i]
        for i in range(u2.size):
            u2[i] += dt * du2[i]
            ui[i] += dt * dui[i]
        if jump != 0:
            jolt(u1, jump)
            jolt(u2, jump)
            jolt(ui, jump)


class Peer:
    def __init__(self, case):
        if case.depth != 2 or case.batch != 1 or case.work != "euler":
            raise SystemExit("numba_loop: one hidden layer, one pattern, Euler steps")
        self.case = case
        c, dt = case, case.dt
        self.eta = tuple(F(dt * e) for e in (c.eta_pp[0], c.eta_pp[1], c.eta_ip[0], c.eta_pi[0], c.eta_pb[0]))
        self.g = tuple(F(x) for x in (c.g_lk, c.g_b, c.g_a, c.g_d, c.g_som_output, c.g_som_interneuron))
        self.att = tuple(F(x) for x in (c.attenuation_hidden, c.attenuation_output, c.attenuation_interneuron))
        target_rate = 1.0 if c.tau_target is None else dt / c.tau_target  # 1: the trace is the target
        self.numbers = (F(dt / c.tau_0), F(target_rate), F(dt), F(dt / c.tau_w), F(c.bias_rate))

    def reset(self):
        def arrays(t):
            w = (t["Wpp"][0], t["Wpp"][1], t["Wpb"][0], t["Wip"][0], t["Wpi"][0])
            return tuple(x.copy() for x in w)

        def biases(t):
            _, n1, n2 = self.case.sizes
            lists = [*t["bpp"], *t["bip"]] or [numpy.zeros(n1, F), numpy.zeros(n2, F), numpy.zeros(n2, F)]
            return tuple(x.copy() for x in lists)

        n0, n1, n2 = self.case.sizes
        zeros = self.case.zeros()
        self.w, self.d = arrays(self.case.weights), arrays(zeros)
        self.b, self.db = biases(self.case.weights), biases(zeros)
        self.u, self.r, self.du = (tuple(numpy.zeros(n, F) for n in (n1, n2, n2)) for _ in range(3))
        self.trace, self.trace_t = numpy.zeros(n0, F), numpy.zeros(n2, F)

    def present(self, n, jump):
        c = self.case
        x, target = c.input[n % c.patterns, 0], c.target[n % c.patterns, 0]
        presentation(self.w, self.d, self.b, self.db, self.u, self.r, self.du, self.trace, self.trace_t, x, target,
                     c.steps, c.lag_steps, self.eta, self.g, self.att, *self.numbers, F(jump))

    def wait(self):
        pass

    def results(self):
        """Weights, Delta (both in the order of files) and somas."""

        def order(w, b):
            biases = self.case.bias_rate != 0
            return [w[0], w[1], *(b[:2] if biases else ()), w[2], w[3], *(b[2:] if biases else ()), w[4]]

        return order(self.w, self.b), order(self.d, self.db), self.u
