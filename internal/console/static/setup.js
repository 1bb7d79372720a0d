// Submits the registration form at once. Without JavaScript the button does the same.
document.getElementById("registration").submit();
