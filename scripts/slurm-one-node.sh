#!/bin/sh
# A whole SLURM on this machine: munge, a controller and one node of two cores, all in a folder of their own. For trying
# `apical sweep submit --slurm`, and for its test. Needs no root once the packages are there.
#
#   slurm-one-node.sh start DIR     starts what does not run: anew, or after a daemon died. Then: . DIR/env
#   slurm-one-node.sh stop DIR      cancels all jobs and ends the daemons; DIR stays, with its logs
#
# Debian: apt-get install --no-install-recommends slurmctld slurmd slurm-client munge
set -eu

usage() { sed -n 's/^#   //p' "$0" >&2; exit 2; }
[ $# -eq 2 ] || usage
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$2"
dir=$(cd "$2" && pwd -P)
case $dir in *[!A-Za-z0-9/._+-]*) echo "$0: $dir: SLURM reads its paths unquoted: a folder without blanks, please" >&2; exit 2;; esac
export SLURM_CONF="$dir/slurm.conf"
socket=$dir/munge.socket
# Two ports that follow from the folder, below those that the system gives away: several such clusters can stand here.
port=$((10000 + $(printf %s "$dir" | cksum | cut -d' ' -f1) % 10000 * 2))

for program in munged slurmctld slurmd sbatch; do
    command -v $program >/dev/null || { echo "$0: there is no $program: see the packages above" >&2; exit 3; }
done

# The process of a daemon of this folder, if it lives. A number in a file may by now be somebody else's.
pid_of() {
    pid=$(cat "$dir/$1.pid" 2>/dev/null) || return 1
    cat "/proc/$pid/cmdline" 2>/dev/null | tr '\0' ' ' | grep -qF "$dir" && echo "$pid"
}

# Waits until a command goes well: a bound for what hangs, on slow machines too.
await() {
    what=$1; shift
    n=0
    until "$@" >/dev/null 2>&1; do
        n=$((n + 1))
        [ $n -lt 600 ] || { echo "$0: $what does not come up: see the logs in $dir" >&2; exit 3; }
        sleep 0.1
    done
}

node_is_up() { case $(sinfo -h -o %t) in idle | mix | alloc | comp) ;; *) return 1 ;; esac; }

configure() {
    umask 022
    mkdir -p "$dir/state" "$dir/spool"
    (umask 077; head -c 1024 /dev/urandom >"$dir/munge.key")
    host=$(hostname -s) user=$(id -un)
    cat >"$SLURM_CONF" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
# A job that is queued again waits until the credentials of its last start are void.
AuthInfo=socket=$socket,cred_expire=5
CredType=cred/munge
# No cgroups, which containers may lack.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,requeue_setup_env_fail
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
# A node that died is noticed, and comes back, within seconds.
SlurmdTimeout=4
MessageTimeout=4
ReturnToService=2
KillWait=5
MinJobAge=3600
JobRequeue=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 Boards=1 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    echo "export SLURM_CONF='$SLURM_CONF'" >"$dir/env"
}

start() {
    [ -f "$SLURM_CONF" ] || configure
    pid_of munged >/dev/null || {
        rm -f "$socket" "$socket.lock"
        # Forced: folders above may be writable by others, as those for temporary files are.
        munged --force --socket="$socket" --key-file="$dir/munge.key" --pid-file="$dir/munged.pid" \
            --log-file="$dir/munged.log" --seed-file="$dir/munge.seed" 2>>"$dir/munged.log"
    }
    await munged munge -n -S "$socket"
    pid_of slurmctld >/dev/null || slurmctld -f "$SLURM_CONF" >>"$dir/slurmctld.out" 2>&1
    await slurmctld scontrol ping
    pid_of slurmd >/dev/null || slurmd -f "$SLURM_CONF" >>"$dir/slurmd.out" 2>&1
    await slurmd pid_of slurmd
    await "the node" node_is_up
}

stop() {
    if pid_of slurmctld >/dev/null; then
        scancel --user="$(id -un)" 2>/dev/null || true
        await "an end of all jobs" sh -c 'test -z "$(squeue -h)"'
    fi
    for daemon in slurmd slurmctld munged; do
        pid=$(pid_of $daemon) || continue
        kill "$pid"
        await "the end of $daemon" sh -c "! kill -0 $pid"
        rm -f "$dir/$daemon.pid"
    done
}

case $1 in
    start) start ;;
    stop) stop ;;
    *) usage ;;
esac
