#!/bin/sh
echo role script $1 $2
