// HTTP exchanges: the pool as a state machine, and sockets.
#define BOOST_TEST_MODULE transport
#include <boost/test/unit_test.hpp>
