package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"eucactl/cloud"
)

func (a *app) imageCommands() []*cobra.Command {
	return []*cobra.Command{a.registerImage(), a.deregisterImage(), a.describeImages()}
}

func (a *app) registerImage() *cobra.Command {
	var req cloud.RegisterImage
	var kind string
	cmd := &cobra.Command{
		Use:   "register FILE",
		Short: "Take an image file into the cloud: a machine image (raw or qcow2), a kernel or a ramdisk",
		Example: "  eucactl register --type kernel vmlinuz\n" +
			"  eucactl register --type ramdisk initrd.img\n" +
			"  eucactl register --kernel eki-1a2b3c4d --ramdisk eri-1a2b3c4d disk.img",
		Args: cobra.ExactArgs(1),
	}
	c := a.changeFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&kind, "type", "machine", "machine, kernel or ramdisk")
	f.StringVarP(&req.Name, "name", "n", "", "name (default: the file's)")
	f.StringVarP(&req.Arch, "arch", "a", "", "architecture (default: x86_64)")
	f.StringVar(&req.Kernel, "kernel", "", "kernel image that it boots with")
	f.StringVar(&req.Ramdisk, "ramdisk", "", "ramdisk image that it boots with")
	f.BoolVar(&req.Private, "private", false, "only its owner may start it")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if req.Path, err = filepath.Abs(args[0]); err != nil {
			return err
		}
		if req.Name == "" {
			req.Name = filepath.Base(req.Path)
		}
		req.Type = cloud.ImageType(kind)
		return do(c, cmd, "RegisterImage", req, outcome[cloud.Image]{rows: func(p *printer, i cloud.Image) {
			p.row(string(i.ID), "IMAGE", string(i.ID))
		}})
	}
	return cmd
}

func (a *app) deregisterImage() *cobra.Command {
	cmd := &cobra.Command{Use: "deregister IMAGE", Short: "Make an image unavailable; running instances keep it", Args: cobra.ExactArgs(1)}
	c := a.changeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(c, cmd, "DeregisterImage", cloud.DeregisterImage{ID: args[0]}, empty("IMAGE", args[0]))
	}
	return cmd
}

func (a *app) describeImages() *cobra.Command {
	return &cobra.Command{
		Use:   "describe-images [IMAGE...]",
		Short: "List images",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, "DescribeImages", cloud.DescribeImages{IDs: args}, func(p *printer, all cloud.Images) {
				for _, i := range all.Images {
					p.row(string(i.ID), "IMAGE", string(i.ID), i.Name, i.Owner, "available", visibility(i.Public), i.Arch, string(i.Type),
						string(i.Kernel), string(i.Ramdisk), i.Format)
				}
			})
		},
	}
}

func visibility(public bool) string {
	if public {
		return "public"
	}
	return "private"
}
