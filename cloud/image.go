package cloud

import (
	"slices"
	"time"
)

// ImageType says what part of a machine an image is.
type ImageType string

const (
	MachineImage ImageType = "machine"
	KernelImage  ImageType = "kernel"
	RamdiskImage ImageType = "ramdisk"
)

// Prefix is that of the ids of images of this type.
func (t ImageType) Prefix() string {
	switch t {
	case KernelImage:
		return KernelPrefix
	case RamdiskImage:
		return RamdiskPrefix
	}
	return MachinePrefix
}

// Image is a registered file. The file itself lies in the controller's image
// folder under its sum.
type Image struct {
	Meta
	ID           ImageID   `json:"id"`
	Owner        string    `json:"owner"`
	Name         string    `json:"name"`
	Type         ImageType `json:"type"`
	Format       string    `json:"format"` // raw or qcow2; kernels and ramdisks are raw
	Arch         string    `json:"arch"`
	Sum          string    `json:"sum"`          // sha256, hex
	Size         int64     `json:"size"`         // bytes of the file
	VirtualSize  int64     `json:"virtual_size"` // bytes of the disk in it
	Kernel       ImageID   `json:"kernel,omitempty"`
	Ramdisk      ImageID   `json:"ramdisk,omitempty"`
	Public       bool      `json:"public"`
	LaunchUsers  []string  `json:"launch_users,omitempty"`
	Registered   time.Time `json:"registered"`
	Deregistered bool      `json:"deregistered,omitempty"` // kept while instances use it
}

func (i Image) Key() string { return string(i.ID) }

// MayLaunch says whether the user may start instances of the image.
func (i Image) MayLaunch(user string) bool {
	return i.Public || i.Owner == user || slices.Contains(i.LaunchUsers, user)
}

// KeyPair is a named public key; the private half is shown once and never kept.
type KeyPair struct {
	Meta
	Owner       string    `json:"owner"`
	Name        string    `json:"name"`
	Fingerprint string    `json:"fingerprint"`
	PublicKey   string    `json:"public_key"` // one line, authorized_keys form
	Created     time.Time `json:"created"`
}

func (k KeyPair) Key() string { return k.Owner + "/" + k.Name }
