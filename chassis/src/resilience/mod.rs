//! What keeps a fault of one part from becoming the fault of all: breakers, bulkheads, retry budgets, hedges, shedding.
