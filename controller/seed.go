package controller

import (
	"encoding/base64"
	"fmt"

	"eucactl/cloud"
	"eucactl/seed"
	"eucactl/state"
)

// seedDisk makes an instance's seed disk from its record.
func (c *Controller) seedDisk(tx *state.Tx, id cloud.InstanceID) (string, error) {
	in, ok := tx.Instance(id)
	if !ok {
		return "", fmt.Errorf("%s has no record", id)
	}
	data, err := userData(tx, in)
	if err != nil {
		return "", err
	}
	disk, err := seed.Image(seedOf(in, []byte(data.Reveal())))
	return string(disk), err
}

// userData unseals what an instance's user gave it; empty if nothing.
func userData(tx *state.Tx, in cloud.Instance) (cloud.Secret, error) {
	if in.UserData == "" {
		return "", nil
	}
	sealed, ok := tx.Sealed(in.UserData)
	if !ok {
		return "", fmt.Errorf("user data of %s is missing", in.ID)
	}
	data, err := base64.StdEncoding.DecodeString(sealed.Text)
	if err != nil {
		return "", fmt.Errorf("user data of %s: %w", in.ID, err)
	}
	return cloud.Secret(data), nil
}

func seedOf(in cloud.Instance, userData []byte) seed.Seed {
	return seed.Seed{InstanceID: string(in.ID), Hostname: in.Hostname, PublicKey: in.PublicKey, UserData: userData}
}
