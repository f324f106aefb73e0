// The entry of the ledger's tests.
// Knows no case.
#define BOOST_TEST_MODULE storage
#include <boost/test/unit_test.hpp>
