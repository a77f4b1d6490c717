package state

import "eucactl/cloud"

var images = &table[cloud.Image]{name: "image", buries: true, indexes: map[string]func(*cloud.Image) []string{
	"owner": func(v *cloud.Image) []string { return []string{v.Owner} },
}}

// Image finds an image by id.
func (tx *Tx) Image(id cloud.ImageID) (cloud.Image, bool) { return images.get(tx, string(id)) }

// Images lists all images.
func (tx *Tx) Images() []cloud.Image { return images.all(tx) }

// ImagesOf lists a user's images.
func (tx *Tx) ImagesOf(owner string) []cloud.Image { return images.list(tx, "owner", owner) }

// PutImage adds or replaces an image.
func (tx *Tx) PutImage(v cloud.Image) { images.put(tx, v) }

// DeleteImage removes an image and buries its id.
func (tx *Tx) DeleteImage(id cloud.ImageID) { images.delete(tx, string(id)) }
