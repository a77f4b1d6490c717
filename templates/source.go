package templates

// Source is the text of the template file called name, as written.
func (s *Set) Source(name string) (string, error) {
	data, err := s.read(name)
	return string(data), err
}
