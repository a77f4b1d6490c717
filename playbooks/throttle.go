package playbooks

// throttled walks through a task that no more than so many hosts of the batch may do
// at a time: such a task is a stage of its own.
func (w *walker) throttled(s Step, needs []*cell, a around, g *group) ([]*cell, error) {
	limit, err := a.number("throttle")
	if err != nil {
		return nil, err
	}
	if limit <= 0 || !w.asks() {
		return w.alone(s, needs, a, g)
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	slot := w.batch.slot(a.path, limit)
	select {
	case slot <- struct{}{}:
	case <-w.ctx.Done():
		return nil, w.ctx.Err()
	}
	defer func() { <-slot }()
	after, err := w.alone(s, needs, a, g)
	if err != nil {
		return nil, err
	}
	return after, w.flush()
}

// slot holds as many hosts as may do the task at a path.
func (b *batch) slot(path string, limit int) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.slots == nil {
		b.slots = map[string]chan struct{}{}
	}
	if b.slots[path] == nil {
		b.slots[path] = make(chan struct{}, limit)
	}
	return b.slots[path]
}
