#!/bin/sh
# boot.sh ROOT: becomes systemd, as process 1, in ROOT. To be started in mount, pid, cgroup, uts, ipc and network namespaces of its own.
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
cd "$root"
mkdir -p old
pivot_root . old
mount -t proc proc /proc
umount -l /old
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
if grep -q name=systemd /proc/self/cgroup; then
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
else
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
exec env container=podman /lib/systemd/systemd --system --unit=multi-user.target --log-target=console
