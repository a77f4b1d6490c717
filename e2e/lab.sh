#!/bin/bash
# Hosts to try things on, and bin/demo: eucactl inside their network, with their inventory. Arguments are those of
# "bin/lab up"; LAB is the lab's name.
set -euo pipefail
cd "$(dirname "$0")/.."
LAB=${LAB:-eucalab}
DIR=$(bin/lab up --name "$LAB" "$@")
mkdir -p "$DIR/controller"
cat >bin/demo <<END
#!/bin/sh
exec "$PWD/bin/lab" exec --name "$LAB" . -- env EUCACTL_STATE="$DIR/controller/state" EUCACTL_INVENTORY="$DIR/inventory.yml" \\
	"$PWD/bin/eucactl" "\$@"
END
chmod +x bin/demo
cat <<END

bin/demo is eucactl there, with $DIR/inventory.yml. For example:
  bin/demo hosts scan --yes && bin/demo reconcile
  bin/demo check hosts
  bin/demo check network
  KERNEL=\$(bin/demo -q register --type kernel $DIR/images/kernel)
  RAMDISK=\$(bin/demo -q register --type ramdisk $DIR/images/ramdisk)
  IMAGE=\$(bin/demo -q register --kernel \$KERNEL --ramdisk \$RAMDISK $DIR/images/machine.img)
  bin/demo create-keypair demo -f demo.pem
  bin/demo run-instances \$IMAGE -k demo --wait
Inside a host:   bin/lab exec --name $LAB node1 -- ip -br link
Remove it all:   make lab-down LAB=$LAB
END
