package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// at stands for a time in an input: each client gets what its programs have for one.
func at(t time.Time) members { return members{"$time": timeText(t)} }

// epoch stands for a time that a program gives as a number.
func epoch(n int64) members { return members{"$epoch": n} }

// timeText is how times stand in outputs.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// written is a value of an input with the times in it replaced by text, each after shift, if there is one.
func written(v any, shift func(time.Time) time.Time) any {
	switch v := v.(type) {
	case members:
		if n, ok := v["$epoch"]; ok {
			return n
		}
		if text, ok := v["$time"].(string); ok {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil && shift != nil {
				return timeText(shift(t))
			}
			return text
		}
		out := members{}
		for name, e := range v {
			out[name] = written(e, shift)
		}
		return out
	case []members:
		out := make([]any, len(v))
		for i := range v {
			out[i] = written(v[i], shift)
		}
		return out
	}
	return v
}

// tree is v as JSON has it, for comparing with outputs.
func tree(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in a test's own literal
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}

// fill sets v, a part of an input of the Go SDK, from what a case gives for it.
func fill(v reflect.Value, from any) error {
	if m, ok := from.(members); ok && v.Type() == reflect.TypeFor[time.Time]() {
		switch {
		case m["$time"] != nil:
			t, err := time.Parse(time.RFC3339Nano, m["$time"].(string))
			v.Set(reflect.ValueOf(t))
			return err
		case m["$epoch"] != nil:
			v.Set(reflect.ValueOf(time.Unix(m["$epoch"].(int64), 0)))
			return nil
		}
	}
	in := reflect.ValueOf(from)
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), from)
	case reflect.Struct:
		for name, e := range from.(members) {
			field := v.FieldByName(name)
			if !field.IsValid() {
				return fmt.Errorf("%s has no member %s", v.Type(), name)
			}
			if err := fill(field, e); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), in.Len(), in.Len()))
		for i := range in.Len() {
			if err := fill(v.Index(i), in.Index(i).Interface()); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	case reflect.Int32:
		if n, ok := from.(int); ok && int(int32(n)) == n {
			v.SetInt(int64(n))
			return nil
		}
	default:
		if in.IsValid() && in.CanConvert(v.Type()) && in.Kind() == v.Kind() {
			v.Set(in.Convert(v.Type()))
			return nil
		}
		if v.Kind() == reflect.Map && in.Kind() == reflect.Map {
			v.Set(reflect.MakeMap(v.Type()))
			for _, key := range in.MapKeys() {
				e := reflect.New(v.Type().Elem()).Elem()
				if err := fill(e, in.MapIndex(key).Interface()); err != nil {
					return err
				}
				v.SetMapIndex(key.Convert(v.Type().Key()), e)
			}
			return nil
		}
	}
	return fmt.Errorf("%s cannot be %#v", v.Type(), from)
}

// read is an output of the Go SDK, or a part of it: nil for what is not there.
func read(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice:
		if v.IsNil() {
			return nil
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		return read(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = read(v.Index(i))
		}
		return list
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return timeText(t)
		}
		out := members{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "ResultMetadata" {
				continue
			}
			if e := read(v.Field(i)); e != nil && (e != "" || v.Field(i).Kind() == reflect.Pointer) { // an enumeration that was not sent is ""
				out[f.Name] = e
			}
		}
		return out
	case reflect.String:
		return v.String()
	}
	return v.Interface()
}
