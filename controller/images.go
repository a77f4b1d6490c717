package controller

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"eucactl/cloud"
	"eucactl/images"
)

// ImageFolder is where image files are kept.
func ImageFolder(dir string) images.Folder { return images.Folder{Dir: dir} }

// inspectImage reads the file that is to be registered, before any record is
// touched: what is no usable image is refused, the rest is copied to the image
// folder under its sum.
func inspectImage(ctx context.Context, c *Controller, body []byte, check bool) ([]byte, error) {
	var req cloud.RegisterImage
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, cloud.Errorf("MalformedQueryString", "request: %v", err)
	}
	kind := cmp.Or(req.Type, cloud.MachineImage)
	look := map[cloud.ImageType]images.Look{
		cloud.MachineImage: images.Machine, cloud.KernelImage: images.Kernel, cloud.RamdiskImage: images.Ramdisk,
	}[kind]
	if look == nil {
		return nil, cloud.Errorf("InvalidParameterValue", "image type %.64q: use machine, kernel or ramdisk", req.Type)
	}
	kept, err := c.Images.Take(ctx, req.Path, look, check)
	if err != nil {
		return nil, cloud.Errorf("InvalidManifest", "%v", err)
	}
	req.Format, req.Sum, req.Size, req.VirtualSize = kept.Format, kept.Sum, kept.Size, kept.VirtualSize
	return json.Marshal(req)
}

func registerImage(t *turn, req cloud.RegisterImage) (cloud.Image, error) {
	req.Type = cmp.Or(req.Type, cloud.MachineImage)
	i := cloud.Image{
		ID: cloud.ImageID(t.newID(req.Type.Prefix())), Owner: t.user, Name: req.Name, Type: req.Type, Format: req.Format, Arch: req.Arch,
		Sum: req.Sum, Size: req.Size, VirtualSize: req.VirtualSize, Public: !req.Private, Registered: t.now,
	}
	if i.Arch == "" {
		i.Arch = "x86_64"
	}
	if err := cloud.CheckText("image name", i.Name); err != nil {
		return i, err
	}
	if err := cloud.CheckText("architecture", i.Arch); err != nil {
		return i, err
	}
	if req.Type != cloud.MachineImage && req.Kernel+req.Ramdisk != "" {
		return i, cloud.Errorf("InvalidParameterCombination", "a %s image has no kernel or ramdisk of its own", req.Type)
	}
	var err error
	if i.Kernel, err = t.part(req.Kernel, cloud.KernelImage); err != nil {
		return i, err
	}
	if i.Ramdisk, err = t.part(req.Ramdisk, cloud.RamdiskImage); err != nil {
		return i, err
	}
	t.PutImage(i)
	return i, nil
}

// part finds the kernel or ramdisk that is to go with a machine image; none for "".
func (t *turn) part(id string, kind cloud.ImageType) (cloud.ImageID, error) {
	if id == "" {
		return "", nil
	}
	i, err := t.image(id, kind)
	return i.ID, err
}

// image finds an image that the caller may start, of the given type.
func (t *turn) image(name string, kind cloud.ImageType) (cloud.Image, error) {
	id, ok := cloud.ParseID(name, kind.Prefix())
	if !ok {
		return cloud.Image{}, cloud.Errorf("InvalidAMIID.Malformed", "Invalid id: \"%.64s\" (expecting \"%s...\", 8 hex digits: a %s image)", name, kind.Prefix(), kind)
	}
	i, ok := t.Image(cloud.ImageID(id))
	if !ok || i.Deregistered || !(i.MayLaunch(t.user) || t.admin()) {
		return i, cloud.Errorf("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
	}
	return i, nil
}

func deregisterImage(t *turn, req cloud.DeregisterImage) (cloud.Empty, error) {
	i, err := t.anyImage(req.ID)
	if err != nil {
		return cloud.Empty{}, err
	}
	if i.Owner != t.user && !t.admin() {
		return cloud.Empty{}, cloud.Errorf("AuthFailure", "%s belongs to %s", i.ID, i.Owner)
	}
	for _, other := range t.Images() {
		if !other.Deregistered && (other.Kernel == i.ID || other.Ramdisk == i.ID) {
			return cloud.Empty{}, cloud.Errorf("InvalidState", "%s needs %s: deregister it first", other.ID, i.ID)
		}
	}
	i.Deregistered = true
	t.PutImage(i)
	return cloud.Empty{}, nil
}

// anyImage finds an image by an id of any type.
func (t *turn) anyImage(name string) (cloud.Image, error) {
	for _, kind := range []cloud.ImageType{cloud.KernelImage, cloud.RamdiskImage} {
		if _, ok := cloud.ParseID(name, kind.Prefix()); ok {
			return t.image(name, kind)
		}
	}
	return t.image(name, cloud.MachineImage)
}

func describeImages(t *turn, req cloud.DescribeImages) (out cloud.Images, err error) {
	for k, id := range req.IDs {
		i, err := t.anyImage(id)
		if err != nil {
			return out, err
		}
		req.IDs[k] = string(i.ID)
	}
	for _, i := range t.Images() {
		named := len(req.IDs) == 0 || slices.Contains(req.IDs, string(i.ID))
		if named && !i.Deregistered && (i.MayLaunch(t.user) || t.admin()) {
			out.Images = append(out.Images, i)
		}
	}
	out.Images = orEmpty(out.Images)
	return out, nil
}

// dropImages erases deregistered images that no instance uses any more, and says
// which files have no image left.
func (t *turn) dropImages() (sums []string) {
	used, kept := map[cloud.ImageID]bool{}, map[string]bool{}
	for _, in := range t.Instances() {
		used[in.Image], used[in.Kernel], used[in.Ramdisk] = true, true, true
	}
	var drop []cloud.Image
	for _, i := range t.Images() {
		if i.Deregistered && !used[i.ID] {
			drop = append(drop, i)
		} else {
			kept[i.Sum] = true
		}
	}
	for _, i := range drop {
		t.DeleteImage(i.ID)
		if !kept[i.Sum] {
			sums = append(sums, i.Sum)
		}
	}
	return sums
}
