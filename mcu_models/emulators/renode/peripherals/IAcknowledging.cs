namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// An I2C device that may leave its address unacknowledged. Renode's own II2CPeripheral knows neither
    /// START nor NACK; a controller that finds this interface tells the device of every address phase.
    /// </summary>
    public interface IAcknowledging
    {
        /// <summary>
        /// Takes the address phase after a START or a repeated START, before the bytes that follow it.
        /// Returns false for a NACK; no Write or Read may follow then.
        /// </summary>
        bool Acknowledges(bool read);
    }
}
