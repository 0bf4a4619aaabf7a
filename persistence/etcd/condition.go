package etcd

import clientv3 "go.etcd.io/etcd/client/v3"

// condition is what must hold of a key for a transaction to do anything.
type condition struct {
	clientv3.Cmp

	key string
}

func there(key string) condition {
	return condition{clientv3.Compare(clientv3.CreateRevision(key), ">", 0), key}
}

func absent(key string) condition {
	return condition{clientv3.Compare(clientv3.CreateRevision(key), "=", 0), key}
}

func unchanged(key string, since int64) condition {
	return condition{clientv3.Compare(clientv3.ModRevision(key), "=", since), key}
}

func all(conditions []condition) []clientv3.Cmp {
	list := make([]clientv3.Cmp, len(conditions))
	for i := range conditions {
		list[i] = conditions[i].Cmp
	}
	return list
}
