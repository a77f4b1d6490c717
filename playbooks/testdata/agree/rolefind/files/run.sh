#!/bin/sh
echo play script $1
