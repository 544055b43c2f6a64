module acme.example/excursion

go 1.22
