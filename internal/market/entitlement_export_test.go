package market

// ForgetAll has a test that wrote to the store behind the Service's back be seen.
func (s *Service) ForgetAll() { s.forgetAll() }
