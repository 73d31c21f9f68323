namespace js shop

exception UnknownItem { 1: string item }

service Pricing {
  string price(1: string item) throws (1: UnknownItem unknown)
}
